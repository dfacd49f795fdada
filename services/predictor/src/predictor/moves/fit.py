"""What was fitted for a target and horizon, as it travels, is kept, and is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np

from marketstream.columns import Floats
from marketstream.messages import MoveTarget
from predictor.targets.bounds import Tracker
from predictor.targets.forecaster import FEWEST, MODEL, Forecaster
from predictor.targets.grid import Grid
from predictor.targets.linear import Line, Mean
from predictor.targets.rows import rows_of, widths_of

_FEWEST_HORIZONS = 20  # that do not overlap


class _Line(msgspec.Struct, array_like=True, frozen=True):
    means: list[float]
    deviations: list[float]
    weights: list[float]
    intercept: float


class _Fitted(msgspec.Struct, array_like=True, frozen=True):
    lines: dict[str, _Line]
    bias: float
    slope: float


class Fit(msgspec.Struct, frozen=True):
    """All forecasters of one target and horizon, fitted on the same rows, as plain numbers.

    `quantiles` are those of the model's residuals, and move by `step` with each outcome.
    """

    target: MoveTarget
    horizon_ms: int
    trained_at_ms: int
    rows: int
    floor: float
    forecasters: dict[str, _Fitted]
    quantiles: list[float]
    step: float
    timeframe: str = ""  # of the closes; fits of earlier releases do not say
    latency_ms: int = 0

    @property
    def version(self) -> str:
        """When it was fitted, in ms."""
        return str(self.trained_at_ms)

    def is_of(self, timeframe: str, latency_ms: int, closes: int) -> bool:
        """Say whether it is for such closes, so many in a horizon, and knows what is told today."""
        if (self.timeframe, self.latency_ms) != (timeframe, latency_ms):
            return False
        widths = widths_of(closes)
        return self.forecasters.keys() == widths.keys() and all(
            len(numbers) == widths.get(name)
            for one in self.forecasters.values()
            for name, line in one.lines.items()
            for numbers in (line.means, line.deviations, line.weights)
        )


def needed_ms(horizon_ms: int, fit_step_ms: int) -> int:
    """Return how long a market has to be seen at least before there can be a fit."""
    return horizon_ms + max(FEWEST * fit_step_ms, _FEWEST_HORIZONS * horizon_ms)


def fit(
    grid: Grid,
    target: MoveTarget,
    horizon_ms: int,
    *,
    fit_step_ms: int,
    step_ms: int,
    timeframe: str,
    latency_ms: int = 0,
) -> Fit | None:
    """Fit all forecasters on what is over by the grid's end; None where that is too little.

    Rows are `fit_step_ms` apart, forecasts will be `step_ms`.
    """
    rows = rows_of(
        grid, target,
        step_ms=fit_step_ms, horizon_ms=horizon_ms, latency_ms=latency_ms, learning=1.0,
    )  # fmt: skip
    enough = max(FEWEST, _FEWEST_HORIZONS * rows.overlap)
    if len(rows) < enough or rows.floor is None:
        return None
    every = np.ones(len(rows), np.bool_)
    fitted = {name: Forecaster.fitted(rows, name, every) for name in rows.known}
    around = Tracker.begun(fitted[MODEL].residuals, max(1.0, horizon_ms / step_ms))
    return Fit(
        target=target,
        horizon_ms=horizon_ms,
        trained_at_ms=int(grid.close_ms[-1]),
        rows=len(rows),
        floor=rows.floor,
        forecasters={name: _plain(one) for name, one in fitted.items()},
        quantiles=around.tracked.tolist(),
        step=around.step,
        timeframe=timeframe,
        latency_ms=latency_ms,
    )


def _plain(fitted: Forecaster) -> _Fitted:
    lines = {
        name: _Line(
            line.means.tolist(), line.deviations.tolist(), line.weights.tolist(), line.intercept
        )
        for name, line in fitted.lines.items()
    }
    return _Fitted(lines, fitted.mean.bias, fitted.mean.slope)


@dataclass(frozen=True, slots=True)
class Said:
    """What a fit says at a close: `expected` of the logarithm, the means of all forecasters."""

    expected: float
    means: Mapping[str, float]
    quantiles: tuple[float, ...]


class Fitted:
    """A fit that serves: it says what it knows, and its bounds learn from what came."""

    def __init__(self, of: Fit, tracked: Sequence[float] | None = None) -> None:
        self.fit = of
        self.tracker = Tracker(np.array(of.quantiles if tracked is None else tracked), of.step)
        self._forecasters = {
            name: Forecaster(
                {each: _line(line) for each, line in one.lines.items()},
                Mean(one.bias, one.slope),
                np.empty(0),
            )
            for name, one in of.forecasters.items()
        }

    @classmethod
    def restored(cls, state: FittedState) -> Self:
        """Go on from what was kept."""
        return cls(state.fit, state.tracked)

    def state(self) -> FittedState:
        """Return what is to be kept."""
        return FittedState(self.fit, self.tracker.tracked.tolist())

    def say(self, known: Mapping[str, Floats]) -> Said:
        """Return what is forecast of one row of what the forecasters know."""
        expected, means = self.expect(known)
        of_model = float(expected[0])
        quantiles = np.exp(of_model + self.tracker.quantiles)
        return Said(
            of_model,
            {name: float(mean[0]) for name, mean in means.items()},
            tuple(quantiles.tolist()),
        )

    def expect(self, known: Mapping[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
        """Return what the model expects of the logarithm in each row, and everybody's means."""
        expected = {name: one.expected(known) for name, one in self._forecasters.items()}
        return expected[MODEL], {
            name: one.mean.of(expected[name]) for name, one in self._forecasters.items()
        }


class FittedState(msgspec.Struct, array_like=True, frozen=True):
    """A fit as a snapshot has it, with the quantiles as they have become."""

    fit: Fit
    tracked: list[float]


def _line(line: _Line) -> Line:
    return Line(
        np.array(line.means), np.array(line.deviations), np.array(line.weights), line.intercept
    )
