"""The intervals that have closed not long ago, which a late trade may still change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from candles.bar import Bar, Point, later
from candles.interval import Interval
from marketstream.messages import Quote

_KEPT = 64
_KEPT_OPEN = 512  # for as long as it is not settled: a snapshot has to fit into a message
_MOST_UNPROVEN = 4_096

type Saved = list[
    list[tuple[int, list[Any], Quote | None, Point | None, int, int, int | None, bool]]
]


class ClosedIntervals:
    """The newest 64 of each timeframe, and up to 512 while the oldest may still change.

    The newest 4,096 that are not proven can be proven still, but for those that a trade would have
    changed which came after they were let go.
    """

    def __init__(self, lengths_us: Sequence[int]) -> None:
        self._lengths_us = lengths_us
        self._kept: list[deque[Interval]] = [deque() for _ in lengths_us]
        self._unproven: deque[Interval] = deque(maxlen=_MOST_UNPROVEN)
        self._wrong_us: dict[int, tuple[int, int]] = {}  # of a timeframe: a trade came too late

    def add(self, interval: Interval) -> None:
        """Keep an interval: the newest of its timeframe."""
        kept = self._kept[interval.index]
        kept.append(interval)
        while len(kept) > _KEPT and (kept[0].is_settled or len(kept) > _KEPT_OPEN):
            kept.popleft()
        if not interval.proven:
            self._unproven.append(interval)

    def __iter__(self) -> Iterator[Interval]:
        for kept in self._kept:
            yield from kept

    def overlapping(self, from_us: int, to_us: int) -> list[Interval]:
        """Return those that overlap a stretch of time, its end included."""
        return [
            one
            for one in self
            if one.end_us > from_us and one.end_us - self._lengths_us[one.index] <= to_us
        ]

    def merge(self, index: int, late: Bar, time_us: int) -> list[Interval]:
        """Add what came late to its interval; return what changed: it, and the flat ones since."""
        changed = []
        for one in reversed(self._kept[index]):
            if one.end_us <= time_us:
                break
            if one.end_us - self._lengths_us[index] <= time_us:
                one.bar.merge(late)
                one.late_count += late.trade_count
                changed.append(one)
            elif not one.bar.trade_count and later(one.last, late.closed) != one.last:
                changed.append(one)
            one.last = later(one.last, late.closed)
        self._note_too_late(index, time_us)
        return changed[::-1]

    def _note_too_late(self, index: int, time_us: int) -> None:
        kept = self._kept[index]
        held_from_us = kept[0].end_us - self._lengths_us[index] if kept else time_us
        if time_us < held_from_us:
            from_us, to_us = self._wrong_us.get(index, (time_us, held_from_us))
            self._wrong_us[index] = min(from_us, time_us), max(to_us, held_from_us)

    def take_proven(self, until_us: int) -> list[Interval]:
        """Return those not proven before that end by a time, without what lacks a trade for good.

        What a trade would have changed had it still been held is neither right nor complete.
        """
        taken = []
        while self._unproven and self._unproven[0].end_us <= until_us:
            one = self._unproven.popleft()
            from_us, to_us = self._wrong_us.get(one.index, (0, 0))
            if not one.proven and not from_us < one.end_us <= to_us:
                taken.append(one)
        if not self._unproven:
            self._wrong_us.clear()
        return taken

    def bars(self) -> Iterable[Bar]:
        """Return the sums of all that may be shown again."""
        return [one.bar for one in dict.fromkeys((*self, *self._unproven))]

    def state(self) -> Saved:
        """Return everything needed to go on elsewhere."""
        return [
            [
                (
                    one.end_us, one.bar.state(), one.book, one.last,
                    one.revision, one.late_count, one.missing, one.proven,
                )
                for one in kept
            ]
            for kept in self._kept
        ]  # fmt: skip

    def restore(self, saved: Saved) -> None:
        """Go on from a state."""
        for index, (kept, rows) in enumerate(zip(self._kept, saved, strict=True)):
            kept.clear()
            for end_us, bar, book, last, revision, late_count, missing, proven in rows:
                one = Interval(index, end_us, Bar.from_state(bar), book, last)
                one.revision, one.late_count = revision, late_count
                one.missing, one.proven = missing, proven
                kept.append(one)
        unproven = sorted((one for one in self if not one.proven), key=_order)
        self._unproven = deque(unproven, _MOST_UNPROVEN)
        self._wrong_us.clear()


def _order(one: Interval) -> tuple[int, int]:
    return one.end_us, one.index
