"""The intervals that have closed not long ago, which a late trade may still change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from candles.bar import Bar, Point, later
from candles.interval import Interval
from marketstream.messages import Quote

_KEPT = 64

type Saved = list[list[tuple[int, list[Any], Quote | None, Point | None, int, int, int | None]]]


class ClosedIntervals:
    """The newest of each timeframe, 64 at most."""

    def __init__(self, lengths_us: Sequence[int]) -> None:
        self._lengths_us = lengths_us
        self._kept: list[deque[Interval]] = [deque(maxlen=_KEPT) for _ in lengths_us]

    def add(self, interval: Interval) -> None:
        """Keep an interval: the newest of its timeframe."""
        self._kept[interval.index].append(interval)

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
        for one in self._kept[index]:
            if one.end_us <= time_us:
                continue
            if one.end_us - self._lengths_us[index] <= time_us:
                one.bar.merge(late)
                one.late_count += late.trade_count
                changed.append(one)
            elif not one.bar.trade_count and later(one.last, late.closed) != one.last:
                changed.append(one)
            one.last = later(one.last, late.closed)
        return changed

    def state(self) -> Saved:
        """Return everything needed to go on elsewhere."""
        return [
            [
                (
                    one.end_us, one.bar.state(), one.book, one.last,
                    one.revision, one.late_count, one.missing,
                )
                for one in kept
            ]
            for kept in self._kept
        ]  # fmt: skip

    def restore(self, saved: Saved) -> None:
        """Go on from a state."""
        for index, (kept, rows) in enumerate(zip(self._kept, saved, strict=True)):
            kept.clear()
            for end_us, bar, book, last, revision, late_count, missing in rows:
                one = Interval(index, end_us, Bar.from_state(bar), book, last)
                one.revision, one.late_count, one.missing = revision, late_count, missing
                kept.append(one)
