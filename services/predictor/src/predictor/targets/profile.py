"""How a quantity goes over the day, in half hours, as it is known at each moment."""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats, Integers, Times
from predictor.targets.windows import Windows

_DAY_MS = 86_400_000
_SLOT_MS = 1_800_000
_SLOTS = _DAY_MS // _SLOT_MS
_KEPT = 0.9  # of what days before said, with each new one
_PRIOR_DAYS = 2.0  # as which "no difference" counts
_MOST = 4.0  # that a half hour may be off its day, as a logarithm
_LEAST_SHARE = 0.5


class DayProfile:
    """Each half hour of the day (UTC) against the day before it: means of log ratios over days.

    A half hour counts once it is over, newer days for more, and half of its values have to be
    known, as of the day that it ends; where there are no such days yet, it is like all others.
    """

    def __init__(self, values: Floats, close_ms: Times, base_ms: int, known: Integers) -> None:
        first = int(close_ms[0] - base_ms) // _SLOT_MS
        slots = int(close_ms[-1]) // _SLOT_MS - first  # that are over
        edges = (first + np.arange(slots + 1)) * _SLOT_MS
        places = np.clip((edges - int(close_ms[0])) // base_ms + 1, 0, len(close_ms))
        # Of prices that later prints make, only those count that are known as of the end.
        limits = np.where(places > 0, known[np.maximum(places - 1, 0)], 0)
        ends = np.minimum(places, limits)
        windows = Windows(values)
        slot, day = _SLOT_MS // base_ms, _DAY_MS // base_ms
        means = _mean(windows, np.minimum(places[:-1], ends[1:]), ends[1:], slot)
        days = _mean(windows, np.maximum(ends[1:] - day, 0), ends[1:], day)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.clip(np.log(means / days), -_MOST, _MOST)
        self._first = first
        self._levels = np.exp(_averaged(off, first))
        self._sums = np.concatenate(
            [np.zeros((slots + 1, 1)), np.cumsum(self._levels, axis=1)], axis=1
        )

    def over(self, at_ms: Times, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the level from `from_ms` to `to_ms` after each moment, as known at it.

        0 is the mean of a day of which nothing is known.
        """
        slots = at_ms // _SLOT_MS - self._first  # how many are over
        day = at_ms // _DAY_MS * _DAY_MS
        start, end = at_ms + from_ms - day, at_ms + to_ms - day
        passed = self._passed(slots, end) - self._passed(slots, start)
        return np.log(passed * _SLOT_MS / (to_ms - from_ms))

    def _passed(self, slots: Integers, time_ms: Times) -> Floats:
        """Return the levels summed up from midnight to a time, on the profiles known then."""
        days, rest = time_ms // _DAY_MS, time_ms % _DAY_MS
        slot, part = rest // _SLOT_MS, rest % _SLOT_MS / _SLOT_MS
        return np.asarray(
            days * self._sums[slots, -1]
            + self._sums[slots, slot]
            + part * self._levels[slots, slot]
        )


def _mean(windows: Windows, starts: Integers, ends: Integers, length: int) -> Floats:
    """Return means of what is known from `starts` to `ends`; NaN where that is less than half."""
    known = windows.count(starts, ends)
    return np.where(known >= _LEAST_SHARE * length, windows.between(starts, ends), np.nan)


def _averaged(off: Floats, first: int) -> Floats:
    """Return for each number of half hours that are over the means of all 48, shrunk towards 0."""
    sums, weights = np.zeros(_SLOTS), np.zeros(_SLOTS)
    averages = np.empty((len(off) + 1, _SLOTS))
    for number, value in enumerate(off):
        averages[number] = sums / (weights + _PRIOR_DAYS)
        if np.isfinite(value):
            slot = (first + number) % _SLOTS
            sums[slot] = _KEPT * sums[slot] + value
            weights[slot] = _KEPT * weights[slot] + 1
    averages[len(off)] = sums / (weights + _PRIOR_DAYS)
    return averages
