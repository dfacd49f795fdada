"""The intervals that have closed not long ago, which a late trade may still change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from candles.bar import Bar
from marketstream.messages import Quote

_KEPT = 64

type Saved = list[list[tuple[int, list[Any], Quote | None, float, int]]]


class Interval:
    """One interval of one timeframe, by its index; book and price are as of its end."""

    __slots__ = ("bar", "book", "end_us", "index", "price", "revision")

    def __init__(
        self,
        index: int,
        end_us: int,
        bar: Bar,
        book: Quote | None,
        price: float,
        revision: int = 0,
    ) -> None:
        self.index = index
        self.end_us = end_us
        self.bar = bar
        self.book = book
        self.price = price
        self.revision = revision


class ClosedIntervals:
    """The newest of each timeframe, 64 at most."""

    def __init__(self, lengths_us: Sequence[int]) -> None:
        self._lengths_us = lengths_us
        self._kept: list[deque[Interval]] = [deque(maxlen=_KEPT) for _ in lengths_us]

    def add(self, index: int, end_us: int, bar: Bar, book: Quote | None, price: float) -> Interval:
        """Keep an interval of the timeframe with this index."""
        closed = Interval(index, end_us, bar, book, price)
        self._kept[index].append(closed)
        return closed

    def __iter__(self) -> Iterator[Interval]:
        for kept in self._kept:
            yield from kept

    def overlapping(self, from_us: int, to_us: int) -> list[Interval]:
        """Return those that overlap a stretch of time."""
        return [
            one
            for one in self
            if one.end_us > from_us and one.end_us - self._lengths_us[one.index] <= to_us
        ]

    def merge(self, index: int, end_us: int, late: Bar) -> list[Interval]:
        """Add what came late to an interval; return what changed: it, and the flat ones since."""
        changed = []
        for one in self._kept[index]:
            if one.end_us == end_us:
                one.bar.merge(late)
            elif one.end_us < end_us or one.bar.trade_count:
                continue  # before it, or with a later price of its own
            one.price = late.close
            changed.append(one)
        return changed

    def state(self) -> Saved:
        """Return everything needed to go on elsewhere."""
        return [
            [(one.end_us, one.bar.state(), one.book, one.price, one.revision) for one in kept]
            for kept in self._kept
        ]

    def restore(self, saved: Saved) -> None:
        """Go on from a state."""
        for index, (kept, rows) in enumerate(zip(self._kept, saved, strict=True)):
            kept.clear()
            for end_us, bar, book, price, revision in rows:
                kept.append(Interval(index, end_us, Bar.from_state(bar), book, price, revision))
