"""Pictures of how good a model is, as SVG: small, and the same bytes for the same figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from marketstream.columns import Flags, Floats, Times
from marketstream.uncertainty import HORIZONS_PER_BLOCK, effective_size, wilson
from predictor.validation.figures import Evaluation
from predictor.validation.importance import Importance
from predictor.validation.out_of_sample import OutOfSample

_COVERAGES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_BINS = 10
_MOST_BARS = 40
_MOST_FEATURES = 15
_MOST_POINTS = 200
_PERIODS_MS = (60_000, 300_000, 3_600_000, 86_400_000, 7 * 86_400_000)
_BLUE, _ORANGE, _GREY = "#1f77b4", "#ff7f0e", "#777777"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is drawn: the figures, the rows they are made of, and the features' importance."""

    evaluation: Evaluation
    rows: OutOfSample
    importance: Sequence[Importance] = ()

    @property
    def p_up(self) -> Floats:
        """How likely the model said up is, given a move."""
        return self.rows.p_up[self.rows.name]

    @property
    def counted(self) -> Flags:
        """The rows that moved and were answered."""
        return np.asarray(self.rows.answered & (self.rows.returns != 0))

    @property
    def hits(self) -> Floats:
        """1 where the direction said came true, 0 where not."""
        return np.asarray((self.p_up > 0.5) == (self.rows.returns > 0), np.float64)

    def interval(self, values: Floats, times_ms: Times) -> tuple[float, float, float]:
        """Return a share and its 95 % bounds at the effective sample size."""
        blocks = times_ms // (HORIZONS_PER_BLOCK * self.evaluation.horizon_ms)
        share = float(values.mean())
        return share, *wilson(share, effective_size(values, blocks))


def pictures(judged: Judged) -> dict[str, bytes]:
    """Return a picture by name of file; none where no row moved."""
    drawn = {}
    for name, draw in _drawings(judged).items():
        figure = Figure(figsize=(5, 3.6), layout="constrained")
        draw(figure.subplots(), judged)
        drawn[f"{name}.svg"] = svg(figure)
    return drawn


def together(judged: Judged) -> bytes:
    """Return all pictures side by side as one; an empty one where no row moved."""
    drawings = _drawings(judged)
    figure = Figure(figsize=(4.2 * max(1, len(drawings)), 3.6), layout="constrained")
    for number, draw in enumerate(drawings.values(), 1):
        draw(figure.add_subplot(1, len(drawings), number), judged)
    return svg(figure)


def _calibration(axes: Axes, judged: Judged) -> None:
    """Draw how often it went up where it was said to: on the diagonal that is as often as said."""
    p, up = judged.p_up[judged.counted], judged.rows.returns[judged.counted] > 0
    times = judged.rows.times_ms[judged.counted]
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8)
    for part in np.array_split(np.argsort(p, kind="stable"), min(_BINS, len(p))):
        part.sort()
        share, low, high = judged.interval(up[part].astype(np.float64), times[part])
        said = float(p[part].mean())
        axes.errorbar(said, share, [[share - low], [high - share]], fmt="o", color=_BLUE, ms=4)
    edge = min(0.5, float(np.abs(p - 0.5).max()) + 0.05)
    reach = (0.5 - edge, 0.5 + edge)
    axes.set(xlim=reach, ylim=reach, xlabel="said: probability of up",
             ylabel="came: share of up", title="Calibration")  # fmt: skip


def _coverage(axes: Axes, judged: Judged) -> None:
    """Draw the accuracy of the rows it was surest of, as a curve over their share."""
    counted = np.flatnonzero(judged.counted)
    surest = counted[np.argsort(-np.abs(judged.p_up[counted] - 0.5), kind="stable")]
    shares, points = [], []
    for share in _COVERAGES:
        chosen = np.sort(surest[: max(1, round(share * len(surest)))])
        shares.append(100 * share)
        points.append(judged.interval(judged.hits[chosen], judged.rows.times_ms[chosen]))
    accuracy, low, high = np.array(points).T * 100
    axes.fill_between(shares, low, high, color=_BLUE, alpha=0.2, linewidth=0)
    axes.plot(shares, accuracy, color=_BLUE, marker=".")
    axes.axhline(50, color=_GREY, linewidth=0.8)
    axes.set(xlabel="the surest so many % of moved rows", ylabel="accuracy, %",
             title="Accuracy against coverage")  # fmt: skip


def _over_time(axes: Axes, judged: Judged) -> None:
    """Draw the accuracy of each day, or of shorter or longer periods where those are too few."""
    times, hits = judged.rows.times_ms[judged.counted], judged.hits[judged.counted]
    span = int(times[-1] - times[0])
    day, fewest = 86_400_000, 3
    length = (
        day
        if fewest * day <= span <= _MOST_BARS * day
        else next((each for each in _PERIODS_MS if span / each <= _MOST_BARS), _PERIODS_MS[-1])
    )
    periods = np.unique(times // length)
    bars = [judged.interval(hits[times // length == one], times[times // length == one])
            for one in periods]  # fmt: skip
    accuracy, low, high = np.array(bars).T * 100
    at = np.arange(len(periods))
    axes.bar(at, accuracy - 50, bottom=50, color=_BLUE, alpha=0.6)
    axes.errorbar(at, accuracy, [accuracy - low, high - accuracy], fmt="none", ecolor=_GREY, lw=0.8)
    axes.axhline(50, color=_GREY, linewidth=0.8)
    pattern = "%m-%d" if length >= day else "%H:%M"
    every = -(-len(at) // 6)
    starts = [datetime.fromtimestamp(one * length / 1_000, UTC) for one in periods.tolist()]
    axes.set_xticks(at[::every], [f"{start:{pattern}}" for start in starts[::every]])
    per = {day: "day", 7 * day: "week", 3_600_000: "hour"}.get(length, f"{length // 60_000} min")
    axes.set(ylabel="accuracy, %", title=f"Accuracy per {per}, UTC")


def _money(axes: Axes, judged: Judged) -> None:
    """Draw what positions in the directions said earn, before and after spread and cost."""
    rows, evaluation = judged.rows, judged.evaluation
    gross = np.sign(judged.p_up - 0.5) * rows.returns * 1e4 * rows.answered
    costs = (np.nan_to_num(rows.spread_bps) + evaluation.cost_bps) * rows.answered
    every = -(-len(rows) // _MOST_POINTS)
    at = np.arange(len(rows))[::every]
    axes.plot(at, np.cumsum(gross)[::every], color=_BLUE, label="gross")
    axes.plot(at, np.cumsum(gross - costs)[::every], color=_ORANGE, label="net of spread and cost")
    axes.axhline(0, color=_GREY, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlabel="rows judged", ylabel="basis points, summed up",
             title=f"Gross and net, {evaluation.cost_bps:g} bp of cost")  # fmt: skip
    axes.legend(frameon=False)


def _importance(axes: Axes, judged: Judged) -> None:
    """Draw the most important features."""
    top = judged.importance[:_MOST_FEATURES][::-1]
    at = np.arange(len(top))
    kinds: Mapping[str, list[float | None]] = {
        "permutation: more log loss": [each.permutation for each in top],
        "TreeSHAP: mean size": [each.contribution for each in top],
    }
    shown = {name: values for name, values in kinds.items() if None not in values}
    for number, (name, values) in enumerate(shown.items()):
        sizes = np.array(values, np.float64)
        largest = float(np.abs(sizes).max()) or 1.0
        height = 0.8 / len(shown)
        place = at + 0.4 - height * (number + 0.5)
        axes.barh(place, sizes / largest, height, color=(_BLUE, _ORANGE)[number], label=name)
    axes.set_yticks(at, [each.name for each in top])
    axes.set(xlabel="relative to the largest", title="Importance")
    axes.legend(frameon=False, loc="lower right")


def _drawings(judged: Judged) -> dict[str, Callable[[Axes, Judged], None]]:
    if not judged.counted.any():
        return {}
    drawings: dict[str, Callable[[Axes, Judged], None]] = {
        "calibration": _calibration,
        "coverage": _coverage,
        "over_time": _over_time,
        "money": _money,
    }
    return drawings | {"importance": _importance} if judged.importance else drawings


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, the same bytes for the same figure."""
    file = BytesIO()
    # Text stays text, and names inside the file do not depend on chance.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "predictor"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return re.sub(rb"[ \t]+\n", b"\n", file.getvalue())  # blanks that no repository wants
