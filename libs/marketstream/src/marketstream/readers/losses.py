"""Rows that had to be thrown away: between which times what they said may have happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marketstream.readers.numbers import Flags, Integers

_UNKNOWN = -1
_MOSTLY_UPWARDS = 0.75  # ids that go with time, but for some trades of about one moment


@dataclass
class Losses:
    """Collects the lost rows of a file while it is read, each beside its usable neighbours."""

    _blocks: list[Integers] = field(default_factory=list)  # time, id, time before, time after
    _open: list[Integers] = field(default_factory=list)  # that wait for a usable row after them
    _last_us: int = _UNKNOWN

    def note(
        self, usable: Flags, time_us: Integers, has_time: Flags, ids: Integers | None = None
    ) -> None:
        """Take in which rows of the next block are usable; `ids` are -1 where there is none."""
        there, lost = np.flatnonzero(usable), np.flatnonzero(~usable)
        times = np.concatenate(([self._last_us], time_us[there], [_UNKNOWN]))
        for block in self._open:
            block[:, 3] = times[1]
        if len(there):
            self._open = []
        if len(lost):
            at = np.searchsorted(there, lost)
            block = np.column_stack(
                (
                    np.where(has_time[lost], time_us[lost], _UNKNOWN),
                    np.full(len(lost), _UNKNOWN) if ids is None else ids[lost],
                    times[at],
                    times[at + 1],
                )
            )
            waits = block[:, 3] == _UNKNOWN
            self._blocks += [block[~waits], block[waits]]
            self._open.append(self._blocks[-1])
        if len(there):
            self._last_us = int(times[-2])

    def spans_us(self, time_us: Integers, ids: Integers | None = None) -> Integers:
        """Return from when to when each lost row may lie, both inclusive, among usable times.

        `time_us` is in order. A row whose id is there all the same was no loss. Without a time it
        lies between the ids next to its own where ids go with time, else between the rows next to
        it in its file.
        """
        rows = np.concatenate([np.zeros((0, 4), np.int64), *self._blocks])
        if not len(rows) or not len(time_us):
            return np.zeros((0, 2), np.int64)
        order = None if ids is None else _in_time(ids)
        if ids is not None:
            rows = rows[~np.isin(rows[:, 1], ids)]
        own, row_ids, before, after = rows.T.copy()
        if order is not None and ids is not None:
            known = row_ids != _UNKNOWN
            at = np.searchsorted(ids[order], row_ids[known])
            below, above = (at - 1).clip(min=0), at.clip(max=len(ids) - 1)
            beside = time_us[order]
            # Where ids and times disagree, it may lie anywhere in between.
            earliest = np.minimum.accumulate(beside[::-1])[::-1]
            latest = np.maximum.accumulate(beside)
            before[known] = np.minimum(beside[below], earliest[above])
            after[known] = np.maximum(beside[above], latest[below])
        before, after = _where_known(before, after, time_us)
        has_own = own != _UNKNOWN
        before, after = np.where(has_own, own, before), np.where(has_own, own, after)
        return np.column_stack((np.minimum(before, after), np.maximum(before, after)))


def overlapping(open_us: Integers, close_us: Integers, spans_us: Integers) -> Flags:
    """Say which of the ordered intervals [open, close) meet one of the inclusive spans."""
    changes = np.zeros(len(open_us) + 1, np.int64)
    first = np.searchsorted(close_us, spans_us[:, 0], side="right")
    end = np.searchsorted(open_us, spans_us[:, 1], side="right")
    meets = first < end
    np.add.at(changes, first[meets], 1)
    np.add.at(changes, end[meets], -1)
    return np.asarray(np.cumsum(changes[:-1]) > 0)


def _in_time(ids: Integers) -> NDArray[np.intp] | None:
    """Return the order of ids that grow with time, None where they do not."""
    steps = np.diff(ids)
    if len(steps) and float(np.mean(steps > 0)) < _MOSTLY_UPWARDS:
        return None
    return np.argsort(ids, kind="stable")


def _where_known(before: Integers, after: Integers, time_us: Integers) -> tuple[Integers, Integers]:
    """Give rows at the edge of a file the time of the trade beyond it that is next to them."""
    no_before, no_after = before == _UNKNOWN, after == _UNKNOWN
    below = time_us[(np.searchsorted(time_us, after) - 1).clip(min=0)]
    above = time_us[np.searchsorted(time_us, before, side="right").clip(max=len(time_us) - 1)]
    return (
        np.where(no_before, np.where(no_after, time_us[0], below), before),
        np.where(no_after, np.where(no_before, time_us[-1], above), after),
    )
