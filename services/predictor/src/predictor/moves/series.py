"""One market's closes, summed up: what a window held is the difference of two rows.

Sums go from the first close on, as those of `Windows` do, so both say the same. The newest rows are
held close by close, those of the last day at every step.
"""

from __future__ import annotations

from math import isfinite, log, nan

import msgspec
import numpy as np

from marketstream.columns import Floats, number
from marketstream.messages import Features
from predictor.moves.layout import Layout
from predictor.moves.levels import DayLevels, LevelsState
from predictor.moves.ring import Ring, RingState
from predictor.targets.baselines import DAY_MS
from predictor.targets.grid import Grid
from predictor.targets.inputs import VARIANCE_SPANS

_PRICE, _HIGH, _LOW, _SQUARED, _PARKINSON, _VOLUME = 0, 1, 2, 3, 5, 7  # sums, then counts
_LONGEST_FINE = 240
_FOUR_LN_2 = 4 * log(2)


class SeriesState(msgspec.Struct, array_like=True, frozen=True):
    """A series as a snapshot has it."""

    first_ms: int
    price: float | None
    totals: list[float]
    fine: RingState
    steps: RingState
    variance: LevelsState
    usual: LevelsState


class Series:
    """The closes of a grid so far; `close_ms` is the newest, `count` how many there are.

    A close that has not come is one of which nothing is known.
    """

    def __init__(self, layout: Layout, first_ms: int) -> None:
        self.layout = layout
        self.count = 0
        self.first_ms = first_ms
        step, day = layout.closes(layout.step_ms), DAY_MS // layout.base_ms
        longest = max(_LONGEST_FINE, layout.closes(max(layout.horizons_ms)) + layout.late_closes)
        spans = [span for span in VARIANCE_SPANS if span % step]
        self._fine = Ring(max(longest, *spans, 0) + step + 2, 9)
        self._step_ms = layout.step_ms
        self._first_step_ms = -(-first_ms // layout.step_ms) * layout.step_ms
        self._steps = Ring(max(day, *VARIANCE_SPANS) // step + 2, 4)
        self._totals = [0.0] * 6
        self._price = nan
        self._variance = DayLevels(layout.base_ms, first_ms)
        self._usual = DayLevels(layout.base_ms, first_ms)

    @property
    def close_ms(self) -> int:
        """The newest close."""
        return self.first_ms + (self.count - 1) * self.layout.base_ms

    @property
    def base_ms(self) -> int:
        """The time between two closes."""
        return self.layout.base_ms

    @property
    def known_returns(self) -> int:
        """How many returns from close to close are known so far."""
        return int(self._totals[1])

    @property
    def variance_so_far(self) -> float:
        """The mean squared return from close to close so far; NaN before there is any."""
        return self._totals[0] / self._totals[1] if self._totals[1] else nan

    @property
    def price(self) -> float:
        """The logarithm of the price at the newest close; NaN where it is not known."""
        return self._price

    def add(self, features: Features, *, stalled: bool) -> None:
        """Add the next close; of one in a stall, or that lacks trades, the price is unknown.

        So it is of a message of before there were high and low, where the range needs these.
        """
        of_mid = self.layout.price == "mid"
        price = features.mid if of_mid else features.close
        if not features.complete or stalled or not (of_mid or features.high is not None):
            price = None
        values = (number(price), number(features.high), number(features.low))
        price_log, high, low = np.log(values).tolist()
        traded = high - low
        if of_mid:
            high = low = price_log
        self._put(price_log, high, low, traded, number(features.volume))

    def add_unknown(self) -> None:
        """Add a close of which nothing is known."""
        self._put(nan, nan, nan, nan, nan)

    def _put(self, price: float, high: float, low: float, traded: float, volume: float) -> None:
        totals = self._totals
        way = price - self._price
        if isfinite(way):
            totals[0] += way * way
            totals[1] += 1
        if isfinite(traded):
            totals[2] += traded * traded / _FOUR_LN_2
            totals[3] += 1
        if isfinite(volume):
            totals[4] += volume
            totals[5] += 1
        self._price = price
        self.count += 1
        self._fine.append((price, high, low, *totals))
        close_ms = self.close_ms
        if close_ms % self._step_ms == 0:
            self._steps.append((totals[0], totals[1], totals[4], totals[5]))
        self._variance.close(close_ms, totals[0], totals[1])
        self._usual.close(close_ms, totals[4], totals[5])

    def grid(self, closes: int) -> Grid:
        """Return the newest closes as a grid, as far as targets over them need it."""
        rows = self._fine.last(closes)
        price = rows[:, _PRICE].copy()
        unknown = np.full(len(rows), nan)
        return Grid(
            close_ms=self.close_ms + self.base_ms * np.arange(1 - len(rows), 1),
            base_ms=self.base_ms,
            price=price,
            squared=np.append(nan, np.diff(price)) ** 2,
            high=rows[:, _HIGH].copy(),
            low=rows[:, _LOW].copy(),
            traded_range=unknown,
            volume=unknown,
            known=np.arange(1, len(rows) + 1),
        )

    def squared(self, span: int) -> Floats:
        """Return the mean squared return of the last closes."""
        return self._mean(span, _SQUARED, 0)

    def parkinson(self, span: int) -> Floats:
        """Return the mean variance of the last candles, by their high and low."""
        return self._mean(span, _PARKINSON, None)

    def volume(self, span: int) -> Floats:
        """Return the mean volume of the last candles."""
        return self._mean(span, _VOLUME, 2)

    def moved(self, span: int) -> Floats:
        """Return the way of the price over the last closes, at most since the first one."""
        before = self._fine.row(max(self.count - 1 - span, 0))[_PRICE]
        return np.array([self._price - before])

    def variance_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of variance."""
        return self._variance.over(self.close_ms, from_ms, to_ms)

    def volume_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of volume."""
        return self._usual.over(self.close_ms, from_ms, to_ms)

    def _mean(self, span: int, column: int, at_step: int | None) -> Floats:
        place = self.count - 1 - span
        if place < 0:
            total, known = 0.0, 0.0
        elif place >= self._fine.first or at_step is None:
            total, known = self._fine.row(place)[column : column + 2]
        else:
            close_ms = self.first_ms + place * self.base_ms
            row = self._steps.row((close_ms - self._first_step_ms) // self._step_ms)
            total, known = row[at_step : at_step + 2]
        totals = self._totals[column - _SQUARED : column - _SQUARED + 2]
        count = totals[1] - known
        return np.array([max(totals[0] - total, 0.0) / count if count > 0 else nan])

    def state(self) -> SeriesState:
        """Return what is to be kept."""
        return SeriesState(
            self.first_ms,
            self._price if isfinite(self._price) else None,
            self._totals,
            self._fine.state(),
            self._steps.state(),
            self._variance.state(),
            self._usual.state(),
        )

    def restore(self, state: SeriesState) -> None:
        """Go on from what was kept of a series that began at the same close."""
        self._price = number(state.price)
        self._totals = list(state.totals)
        self._fine.restore(state.fine)
        self._steps.restore(state.steps)
        self.count = state.fine.count
        self._variance.restore(state.variance)
        self._usual.restore(state.usual)
