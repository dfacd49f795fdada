"""The intervals that have closed not long ago, which a late trade may still change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from candles.bar import Bar, Point, later
from candles.interval import Interval
from marketstream.messages import Context, Depth, Quote

_KEPT = 64
_KEPT_OPEN = 512  # for as long as it is not settled: a snapshot has to fit into a message

type Row = tuple[
    int, list[Any], Quote | None, Depth | None, Context | None, Point | None, int, int, int | None,
    bool,
]  # fmt: skip
type Saved = list[list[Row]]


class ClosedIntervals:
    """The newest 64 of each timeframe, and up to 512 while the oldest may still change."""

    def __init__(self, lengths_us: Sequence[int]) -> None:
        self._lengths_us = lengths_us
        self._kept: list[deque[Interval]] = [deque() for _ in lengths_us]

    def add(self, interval: Interval) -> None:
        """Keep an interval: the newest of its timeframe."""
        kept = self._kept[interval.index]
        kept.append(interval)
        while len(kept) > _KEPT and (kept[0].is_settled or len(kept) > _KEPT_OPEN):
            kept.popleft()

    def __iter__(self) -> Iterator[Interval]:
        for kept in self._kept:
            yield from kept

    def held_from_us(self, index: int) -> int | None:
        """Return when the oldest interval of a timeframe opened; None where none has closed."""
        kept = self._kept[index]
        return kept[0].end_us - self._lengths_us[index] if kept else None

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
        return changed[::-1]

    def unproven(self) -> list[Interval]:
        """Return those of which it is not proven that no more trades come, in order of time."""
        return sorted((one for one in self if not one.proven), key=_order)

    def state(self) -> Saved:
        """Return everything needed to go on elsewhere."""
        return [
            [
                (
                    one.end_us, one.bar.state(), one.book, one.depth, one.context, one.last,
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
            for row in rows:
                end_us, bar, book, depth, context, last, revision, late_count, missing, proven = row
                one = Interval(index, end_us, Bar.from_state(bar), book, depth, context, last)
                one.revision, one.late_count = revision, late_count
                one.missing, one.proven = missing, proven
                kept.append(one)


def _order(one: Interval) -> tuple[int, int]:
    return one.end_us, one.index
