"""Where the ids of a market begin again: one id then stands for a trade of each numbering."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketstream.readers.numbers import Floats, Integers

_MOSTLY_UPWARDS = 0.75  # ids that go with time, but for some trades of about one moment
_AGREEING = 3  # rows on either side whose ids have to say so
_MOSTLY_THERE = 0.8
_WINDOW = 50
_BLOCK = 1_000


def go_with_time(ids: Integers) -> bool:
    """Say whether ids, in the order of time, go upwards but for some of about one moment."""
    steps = np.diff(ids)
    return len(steps) > 0 and float(np.mean(steps > 0)) >= _MOSTLY_UPWARDS


def by_id(ids: Integers, epochs: Integers | None) -> NDArray[np.intp]:
    """Return the order by numbering, then id; of rows of one id, that in which they came."""
    if epochs is not None:
        return np.lexsort((ids, epochs))
    if np.all(ids[1:] > ids[:-1]):
        return np.arange(len(ids))
    return np.argsort(ids, kind="stable")


def numberings(time_us: Integers, ids: Integers, values: Floats) -> Integers | None:
    """Return the number of the numbering that each row is of, from 0; None where there is one.

    A numbering begins where ids fall for good, to those that were there before or to less than all
    of them. A stretch of rows with ids that are missing before or after it is none: their times are
    wrong. So are they where most ids say the same `values` as before: those are the same trades.
    """
    if np.all(ids[1:] > ids[:-1]) and np.all(time_us[1:] >= time_us[:-1]):
        return None
    order = np.lexsort((ids, time_us // 1_000))  # times of one of two sources may be cut to ms
    ordered = ids[order]
    if not go_with_time(ordered):
        return None
    seams = _seams(ordered, values[order])
    if not seams:
        return None
    begins = np.zeros(len(ids), np.int64)
    begins[seams] = 1
    epochs = np.empty(len(ids), np.int64)
    epochs[order] = np.cumsum(begins)
    return epochs


def _seams(ids: Integers, values: Floats) -> list[int]:
    """Return where numberings begin among ids in the order of time."""
    found: list[int] = []
    start = end = 0
    best: tuple[int, int] | None = None
    usual_step = _usual_step(ids)
    falls = _falls(ids)
    drops = ids[falls - 1] - ids[falls]
    for number, at in enumerate((*falls.tolist(), len(ids))):
        if best is not None and at >= end:
            seam, until = best
            if not _are_the_same(ids[start:until], values[start:until], seam - start):
                found.append(seam)
                start = seam
            best = None
        width = min(_WINDOW, 2 * (at - start) // 3, len(ids) - at)  # a numbering may be short
        if width < _AGREEING:
            continue
        until = _until(falls, drops, number, at + width, len(ids))
        if _begins_again(ids[start:until], at - start, width, usual_step):
            if best is None:
                end = at + width
            if best is None or ids[at - 1] - ids[at] > ids[best[0] - 1] - ids[best[0]]:
                best = at, until
    return found


def _until(falls: Integers, drops: Integers, number: int, after: int, end: int) -> int:
    """Return where ids fall next about as far as at a fall, at `after` or later; else `end`."""
    first = int(np.searchsorted(falls, after))
    for block in range(first, len(falls), _BLOCK):
        as_far = np.flatnonzero(2 * drops[block : block + _BLOCK] >= drops[number])
        if len(as_far):
            return int(falls[block + as_far[0]])
    return end


def _falls(ids: Integers) -> NDArray[np.intp]:
    """Return where an id falls, and most of those just after it are below those just before."""
    at = np.flatnonzero(np.diff(ids) < 0) + 1
    at = at[(at >= _AGREEING) & (at <= len(ids) - _AGREEING)]
    below = np.zeros(len(at), np.int64)
    for before in range(1, _AGREEING + 1):
        for after in range(_AGREEING):
            below += ids[at + after] < ids[at - before]
    return at[2 * below > _AGREEING * _AGREEING]


def _begins_again(ids: Integers, at: int, width: int, usual_step: float) -> bool:
    """Say whether a numbering begins at `at`, among ids from the last beginning to the next."""
    before, after = ids[at - width : at], ids[at : at + width]
    middle = np.median(after)
    if middle >= np.median(before):
        return False
    if max(_usual_step(before), _usual_step(after)) > 2 * usual_step:
        return False  # single rows of anywhere
    known, later = ids[:at], ids[at:]
    is_below_all = np.count_nonzero(known < middle) < _AGREEING
    if not is_below_all and float(np.mean(np.isin(after, known))) < 1 / 2:
        return False
    passed = known[(known >= later.min()) & (known <= later.max())]
    return len(passed) < _AGREEING or float(np.mean(np.isin(passed, later))) >= _MOSTLY_THERE


def _are_the_same(ids: Integers, values: Floats, at: int) -> bool:
    """Say whether the rows from `at` on repeat trades of those before, at other times."""
    _, before, after = np.intersect1d(ids[:at], ids[at:], return_indices=True)
    same = values[:at][before] == values[at:][after]
    return len(same) >= _AGREEING and float(np.mean(same)) >= _MOSTLY_THERE


def _usual_step(ids: Integers) -> float:
    return float(np.median(np.diff(ids)))
