"""Pictures of forecasts of a target: what was said and what came, and how often it was so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from marketstream.columns import Floats, Integers
from predictor.targets.bounds import LEVELS
from predictor.targets.figures import TargetEvaluation
from predictor.targets.forecaster import MODEL
from predictor.targets.scores import basis_points, qlike
from predictor.targets.walking import Judged
from predictor.validation.plots import svg

_POINTS = 120
_BINS = 20
_MOST_POINTS = 300
_GREY = "#777777"
_COLOURS = {
    MODEL: "#1f77b4", "ewma": "#ff7f0e", "har": "#2ca02c", "same_hour_of_yesterday": "#9467bd",
}  # fmt: skip

type Drawing = Callable[[Axes, TargetEvaluation, Judged], None]


def together(figures: TargetEvaluation, judged: Judged) -> bytes:
    """Return all pictures side by side as one SVG; the same bytes for the same figures."""
    figure = Figure(figsize=(4.6 * len(_DRAWINGS), 3.8), layout="constrained")
    for number, draw in enumerate(_DRAWINGS, 1):
        draw(figure.add_subplot(1, len(_DRAWINGS), number), figures, judged)
    return svg(figure)


def _over_time(axes: Axes, figures: TargetEvaluation, judged: Judged) -> None:
    """Draw the latest horizons that do not overlap: bounds of 90 %, median, and what came."""
    rows = _apart(judged)[-_POINTS:]
    said = basis_points(np.exp(judged.forecasts[MODEL].quantiles[rows]), figures.target)
    at = np.arange(len(rows))
    blue = _COLOURS[MODEL]
    axes.fill_between(
        at, said[:, 0], said[:, -1], color=blue, alpha=0.2, linewidth=0, label="90 % bounds"
    )
    axes.plot(at, said[:, len(LEVELS) // 2], color=blue, label="median said")
    came = basis_points(judged.came[rows], figures.target)
    axes.plot(at, came, ".", color="black", markersize=4, label="came")
    axes.set(yscale="log", xlabel="the latest horizons, one after the other",
             ylabel=f"{figures.target}, bp", title="Said and come")  # fmt: skip
    _plain(axes.yaxis)
    axes.legend(frameon=False, fontsize="small")


def _means(axes: Axes, figures: TargetEvaluation, judged: Judged) -> None:
    """Draw the mean that came where a mean was said: on the diagonal that is as much as said."""
    for name, said in judged.forecasts.items():
        parts = np.array_split(np.argsort(said.mean, kind="stable"), min(_BINS, len(said.mean)))
        points = [(said.mean[part].mean(), judged.came[part].mean()) for part in parts]
        pairs = basis_points(np.array(points), figures.target)
        axes.plot(*pairs.T, marker=".", color=_COLOURS[name], label=name.replace("_", " "),
                  linewidth=0.8)  # fmt: skip
    ends = axes.get_xlim()
    axes.plot(ends, ends, color=_GREY, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="said: mean, bp", ylabel="came: mean, bp",
             title="As much as said?")  # fmt: skip
    _plain(axes.xaxis)
    _plain(axes.yaxis)
    axes.legend(frameon=False, fontsize="small")


def _reliability(axes: Axes, figures: TargetEvaluation, _judged: Judged) -> None:
    """Draw how often less came than each quantile: on the diagonal that is as often as said."""
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8)
    for name, scored in figures.scores.items():
        axes.plot(LEVELS, scored.levels, marker=".", color=_COLOURS[name], linewidth=0.8,
                  label=f"{name.replace('_', ' ')}: {scored.coverage:.1%} in 90 %")  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="said: quantile", ylabel="came: share below",
             title="As often as said?")  # fmt: skip
    axes.legend(frameon=False, fontsize="small")


def _advantage(axes: Axes, _figures: TargetEvaluation, judged: Judged) -> None:
    """Draw by how much the model's loss is less than each baseline's, summed up over time."""
    losses = {name: qlike(judged.came, said.mean) for name, said in judged.forecasts.items()}
    every = -(-len(judged.came) // _MOST_POINTS)
    at = np.arange(len(judged.came))[::every]
    for name, theirs in losses.items():
        if name == MODEL:
            continue
        less = np.cumsum(theirs - losses[MODEL]) / len(theirs)
        axes.plot(at, less[::every], color=_COLOURS[name], label=name.replace("_", " "))
    axes.axhline(0, color=_GREY, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlabel="rows judged", ylabel="QLIKE less than theirs, summed up",
             title="Ahead of the baselines")  # fmt: skip
    axes.legend(frameon=False, fontsize="small")


def _plain(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis out, as few as tell them apart."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _apart(judged: Judged) -> Integers:
    """Return the places of rows that are a horizon apart."""
    times: Floats = judged.rows.times_ms[judged.chosen] / judged.rows.horizon_ms
    _, first = np.unique(np.floor(times), return_index=True)
    return np.asarray(first, np.int64)


_DRAWINGS: tuple[Drawing, ...] = (_over_time, _means, _reliability, _advantage)
