"""How a quantity goes over the day, in half hours, as it is known at each moment."""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats, Integers, Times
from predictor.targets.windows import Windows

_DAY_MS = 86_400_000
_SHORTEST_SLOT_MS = 1_800_000
KEPT = 0.9  # of what days before said, with each new one
PRIOR_DAYS = 2.0  # as which "no difference" counts
MOST_OFF = 4.0  # that a half hour may be off its day, as a logarithm
LEAST_SHARE = 0.5


class DayProfile:
    """Each half hour of the day (UTC) against the day before it: means of log ratios over days.

    A half hour counts once it is over, newer days for more, and half of its values have to be
    known, as of the day that it ends; where there are no such days yet, it is like all others.
    Where a close spans more than half an hour, so does each part of the day.
    """

    def __init__(self, values: Floats, close_ms: Times, base_ms: int, known: Integers) -> None:
        self._slot_ms = slot_ms_of(base_ms)
        first = int(close_ms[0] - base_ms) // self._slot_ms
        slots = int(close_ms[-1]) // self._slot_ms - first  # that are over
        edges = (first + np.arange(slots + 1)) * self._slot_ms
        places = np.clip((edges - int(close_ms[0])) // base_ms + 1, 0, len(close_ms))
        # Of prices that later prints make, only those count that are known as of the end.
        limits = np.where(places > 0, known[np.maximum(places - 1, 0)], 0)
        ends = np.minimum(places, limits)
        windows = Windows(values)
        slot, day = self._slot_ms // base_ms, _DAY_MS // base_ms
        means = _mean(windows, np.minimum(places[:-1], ends[1:]), ends[1:], slot)
        days = _mean(windows, np.maximum(ends[1:] - day, 0), ends[1:], day)
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.clip(np.log(means / days), -MOST_OFF, MOST_OFF)
        self._first = first
        self._levels = np.exp(_averaged(off, first, _DAY_MS // self._slot_ms))
        self._sums = summed(self._levels)

    def over(self, at_ms: Times, from_ms: int, to_ms: int) -> Floats:
        """Return the log of the level from `from_ms` to `to_ms` after each moment, as known at it.

        0 is the mean of a day of which nothing is known.
        """
        slots = at_ms // self._slot_ms - self._first  # how many are over
        return level_over(
            self._levels[slots], self._sums[slots], self._slot_ms, at_ms, from_ms, to_ms
        )


def slot_ms_of(base_ms: int) -> int:
    """Return how long a part of the day is: half an hour, or one close that spans more."""
    return max(_SHORTEST_SLOT_MS, base_ms)


def level_over(
    levels: Floats, sums: Floats, slot_ms: int, at_ms: Times, from_ms: int, to_ms: int
) -> Floats:
    """Return the log of the level from `from_ms` to `to_ms` after each moment.

    `levels` has a row for each moment, `sums` what they add up to from midnight to each slot.
    """
    day = at_ms // _DAY_MS * _DAY_MS
    start, end = at_ms + from_ms - day, at_ms + to_ms - day
    passed = _passed(levels, sums, slot_ms, end) - _passed(levels, sums, slot_ms, start)
    return np.asarray(np.log(passed * slot_ms / (to_ms - from_ms)))


def summed(levels: Floats) -> Floats:
    """Return what the levels of each row add up to from midnight to each slot, and the day's."""
    return np.concatenate([np.zeros((len(levels), 1)), np.cumsum(levels, axis=1)], axis=1)


def _passed(levels: Floats, sums: Floats, slot_ms: int, time_ms: Times) -> Floats:
    """Return the levels summed up from midnight to a time, each row's own."""
    days, rest = time_ms // _DAY_MS, time_ms % _DAY_MS
    slot, part = rest // slot_ms, rest % slot_ms / slot_ms
    rows = np.arange(len(levels))
    return np.asarray(days * sums[:, -1] + sums[rows, slot] + part * levels[rows, slot])


def _mean(windows: Windows, starts: Integers, ends: Integers, length: int) -> Floats:
    """Return means of what is known from `starts` to `ends`; NaN where that is less than half."""
    known = windows.count(starts, ends)
    return np.where(known >= LEAST_SHARE * length, windows.between(starts, ends), np.nan)


def _averaged(off: Floats, first: int, of_day: int) -> Floats:
    """Return the means of all parts of the day, shrunk towards 0, as each of them was over."""
    sums, weights = np.zeros(of_day), np.zeros(of_day)
    averages = np.empty((len(off) + 1, of_day))
    for number, value in enumerate(off):
        averages[number] = sums / (weights + PRIOR_DAYS)
        if np.isfinite(value):
            slot = (first + number) % of_day
            sums[slot] = KEPT * sums[slot] + value
            weights[slot] = KEPT * weights[slot] + 1
    averages[len(off)] = sums / (weights + PRIOR_DAYS)
    return averages
