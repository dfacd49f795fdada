"""What the model of a target knows at a decision: how much the price has moved, and when it does.

All of it is known as of the close decided at: windows end there, or where the last price ends that
is known by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from marketstream.columns import Floats, Integers, Times
from predictor.targets.grid import Grid
from predictor.targets.profile import DayProfile
from predictor.targets.windows import Windows

# So many closes of the base timeframe back.
VARIANCE_SPANS = (1, 5, 15, 60, 240, 1_440, 7_200)
_PARKINSON_SPANS = (1, 5, 15, 60, 240)
_VOLUME_SPANS = (1, 5, 15, 60)
_RETURN_SPANS = (1, 60)
DAY_MS = 86_400_000
_NOW_MS = 1_800_000
_LEAST_VOLUME = 1e-3  # of the day's mean
_MOST_VOLUME = 8.0  # as a logarithm
_MOST_RETURN = 10.0  # deviations


class Seen(Protocol):
    """What is known of a market at some decisions, a value for each; NaN what is not."""

    @property
    def base_ms(self) -> int:
        """The time between two closes."""
        ...

    def squared(self, span: int) -> Floats:
        """Return the mean squared return of the last `span` closes."""
        ...

    def parkinson(self, span: int) -> Floats:
        """Return the mean variance of the last `span` candles, by their high and low."""
        ...

    def volume(self, span: int) -> Floats:
        """Return the mean volume of the last `span` candles."""
        ...

    def moved(self, span: int) -> Floats:
        """Return by how much the logarithm of the price has moved over the last `span` closes."""
        ...

    def variance_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of variance between two times after the close."""
        ...

    def volume_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of volume between two times after the close."""
        ...


def inputs(seen: Seen, closes: int, start_closes: int, floor: float) -> dict[str, Floats]:
    """Return a column for each input; NaN where it is not known.

    The target is over `closes` intervals from `start_closes` after each decision. `floor` is the
    variance of one interval that counts where nothing moved.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of no volume
        columns = dict(_columns(seen, closes, start_closes, floor))
    return {name: np.where(np.isfinite(one), one, np.nan) for name, one in columns.items()}


def count_of_inputs(closes: int) -> int:
    """Return how many columns there are for a target over so many intervals."""
    spans = len(VARIANCE_SPANS) + len(_PARKINSON_SPANS) + len(_VOLUME_SPANS)
    return spans + 2 + 2 * len({*_RETURN_SPANS, closes})


def _columns(
    seen: Seen, closes: int, start_closes: int, floor: float
) -> Iterator[tuple[str, Floats]]:
    base_ms = seen.base_ms
    day = DAY_MS // base_ms
    for span in VARIANCE_SPANS:
        yield f"variance_{span}", np.log(seen.squared(span) + floor)
    for span in _PARKINSON_SPANS:
        yield f"parkinson_{span}", np.log(seen.parkinson(span) + floor)

    begin_ms = start_closes * base_ms
    yield "profile_now", seen.variance_level(-_NOW_MS, 0)
    yield "profile_target", seen.variance_level(begin_ms, begin_ms + closes * base_ms)

    of_day = seen.volume(day)
    expected = np.log(of_day) + seen.volume_level(-_NOW_MS, 0)
    for span in _VOLUME_SPANS:
        volume = np.log(seen.volume(span) + _LEAST_VOLUME * of_day)
        yield f"volume_{span}", np.clip(volume - expected, -_MOST_VOLUME, _MOST_VOLUME)

    deviation = np.sqrt(seen.squared(day) + floor)
    for span in dict.fromkeys((*_RETURN_SPANS, closes)):
        way = seen.moved(span) / (deviation * np.sqrt(span))
        scaled = np.clip(way, -_MOST_RETURN, _MOST_RETURN)
        yield f"return_{span}", scaled
        yield f"size_of_return_{span}", np.abs(scaled)


class SeenOnGrid:
    """What was known at rows of a grid."""

    def __init__(self, grid: Grid, rows: Integers) -> None:
        self._grid = grid
        self._at_ms: Times = grid.close_ms[rows]
        self._ends, self._now = grid.known[rows], rows + 1
        self._last = np.maximum(self._ends - 1, 0)
        traded = np.arange(len(grid)) + 1
        self._squared = Windows(grid.squared)
        self._parkinson = Windows(parkinson_of(grid.traded_range))
        self._volume = Windows(grid.volume)
        self._variance = DayProfile(grid.squared, grid.close_ms, grid.base_ms, grid.known)
        self._usual = DayProfile(grid.volume, grid.close_ms, grid.base_ms, traded)

    @property
    def base_ms(self) -> int:
        """The time between two closes."""
        return self._grid.base_ms

    def squared(self, span: int) -> Floats:
        """Return the mean squared return up to the last price that is known."""
        return self._squared.mean(self._ends, span)

    def parkinson(self, span: int) -> Floats:
        """Return the mean variance of the last candles."""
        return self._parkinson.mean(self._now, span)

    def volume(self, span: int) -> Floats:
        """Return the mean volume of the last candles."""
        return self._volume.mean(self._now, span)

    def moved(self, span: int) -> Floats:
        """Return the way of the price, at most since the first one."""
        price, last = self._grid.price, self._last
        return np.asarray(price[last] - price[np.maximum(last - span, 0)])

    def variance_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of variance."""
        return self._variance.over(self._at_ms, from_ms, to_ms)

    def volume_level(self, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the day's profile of volume."""
        return self._usual.over(self._at_ms, from_ms, to_ms)


def parkinson_of(traded_range: Floats) -> Floats:
    """Return the variance of candles by the logarithm of their high over their low.

    Parkinson 1980, Journal of Business 53.
    """
    return np.asarray(traded_range**2 / (4 * np.log(2)))
