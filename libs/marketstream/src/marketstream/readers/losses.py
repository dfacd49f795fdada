"""Rows that had to be thrown away: between which times what they said may have happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marketstream.readers.numberings import go_with_time
from marketstream.readers.numbers import Flags, Integers

_UNKNOWN = -1


@dataclass
class Losses:
    """Collects the lost rows of a file while it is read, each in its place among usable ones."""

    _times: list[Integers] = field(default_factory=list)  # of usable rows, as they are written
    _lost: list[Integers] = field(default_factory=list)  # place, time, id
    _usable: int = 0

    def note(
        self, usable: Flags, time_us: Integers, has_time: Flags, ids: Integers | None = None
    ) -> Integers:
        """Take in which rows of the next block are usable, and return their times.

        `ids` are -1 where there is none.
        """
        there, lost = np.flatnonzero(usable), np.flatnonzero(~usable)
        times = time_us[there]
        if len(lost):
            place = self._usable + np.searchsorted(there, lost)
            time = np.where(has_time[lost], time_us[lost], _UNKNOWN)
            row_id = np.full(len(lost), _UNKNOWN) if ids is None else ids[lost]
            self._lost.append(np.column_stack((place, time, row_id)))
        self._times.append(times)
        self._usable += len(times)
        return times

    def spans_us(self, time_us: Integers, ids: Integers | None = None) -> Integers:
        """Return from when to when each lost row may lie, both inclusive, among all usable rows.

        `time_us` is in order. A row whose id is there all the same was no loss. Without a time it
        lies between the ids next to its own where ids go with time, else between the rows next to
        it in its file.
        """
        lost = np.concatenate([np.zeros((0, 3), np.int64), *self._lost])
        if ids is not None:
            lost = lost[~np.isin(lost[:, 2], ids)]
        if not len(lost) or not len(time_us):
            return np.zeros((0, 2), np.int64)
        place, own, row_id = lost.T
        written = np.concatenate(self._times)
        if np.sum(np.sign(np.diff(written))) < 0:  # newest first
            written, place = written[::-1], len(written) - place
        before, after = _beside(written, place)
        if ids is not None and go_with_time(ids):
            order = np.argsort(ids, kind="stable")
            at = np.searchsorted(ids[order], row_id)
            known = row_id != _UNKNOWN
            low, high = _beside(time_us[order], at)
            before, after = np.where(known, low, before), np.where(known, high, after)
        before, after = _beyond_files(before, after, time_us)
        timed = own != _UNKNOWN
        before, after = np.where(timed, own, before), np.where(timed, own, after)
        return np.column_stack((before, after))


def overlapping(open_us: Integers, close_us: Integers, spans_us: Integers) -> Flags:
    """Say which of the ordered intervals [open, close) meet one of the inclusive spans."""
    changes = np.zeros(len(open_us) + 1, np.int64)
    first = np.searchsorted(close_us, spans_us[:, 0], side="right")
    end = np.searchsorted(open_us, spans_us[:, 1], side="right")
    meets = first < end
    np.add.at(changes, first[meets], 1)
    np.add.at(changes, end[meets], -1)
    return np.asarray(np.cumsum(changes[:-1]) > 0)


def _beside(times: Integers, place: NDArray[np.intp]) -> tuple[Integers, Integers]:
    """Return the times before and after places in a row; -1 where there is none.

    Where the row is not in order, they are as far apart as that leaves in doubt.
    """
    none = np.full(1, _UNKNOWN)
    first, last = (place == 0), (place == len(times))
    earliest = np.append(np.minimum.accumulate(times[::-1])[::-1], none)[place]
    latest = np.append(none, np.maximum.accumulate(times))[place]
    before, after = np.append(none, times)[place], np.append(times, none)[place]
    return (
        np.where(first | last, before, np.minimum(before, earliest)),
        np.where(first | last, after, np.maximum(after, latest)),
    )


def _beyond_files(
    before: Integers, after: Integers, time_us: Integers
) -> tuple[Integers, Integers]:
    """Give rows at the edge of a file the time of the trade beyond it that is next to them."""
    no_before, no_after = before == _UNKNOWN, after == _UNKNOWN
    below = time_us[(np.searchsorted(time_us, after) - 1).clip(min=0)]
    above = time_us[np.searchsorted(time_us, before, side="right").clip(max=len(time_us) - 1)]
    return (
        np.where(no_before, np.where(no_after, time_us[0], below), before),
        np.where(no_after, np.where(no_before, time_us[-1], above), after),
    )
