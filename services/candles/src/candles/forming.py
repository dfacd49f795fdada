"""The intervals that are forming: one of each timeframe, and the base interval they grow by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import gcd

from candles.bar import Bar


class FormingIntervals:
    """Trades go into the base interval, the greatest that divides all others; those merge it.

    `most` is how many base intervals one call closes besides what is open: of a longer time without
    a trade the first part has no intervals.
    """

    def __init__(self, lengths_us: Sequence[int], most: int) -> None:
        self._lengths_us = lengths_us
        self.base_us = gcd(*lengths_us)
        self._most_us = most * self.base_us
        self.base = Bar()
        self._bars = [Bar() for _ in lengths_us]
        self.end_us: int | None = None
        """When the base interval ends; None before the first trade."""

    @property
    def bars(self) -> tuple[Bar, ...]:
        """All bars, that of the base interval first."""
        return (self.base, *self._bars)

    def restore(self, bars: Iterable[Bar], end_us: int | None) -> None:
        """Go on from bars in that order."""
        self.base, *self._bars = bars
        self.end_us = end_us

    def begin(self, time_us: int) -> None:
        """Open the base interval that holds a time, where none is open."""
        if self.end_us is None:
            self._go_on_at(time_us)

    def is_of_base(self, time_us: int) -> bool:
        """Say whether a time is not before the base interval."""
        assert self.end_us is not None
        return time_us >= self.end_us - self.base_us

    def bar_of(self, index: int, time_us: int) -> Bar | None:
        """Return the bar of a timeframe that a time belongs to, None where it has closed."""
        assert self.end_us is not None
        length_us = self._lengths_us[index]
        has_closed = (time_us // length_us + 1) * length_us <= self.end_us - self.base_us
        return None if has_closed else self._bars[index]

    def as_it_stands(self, index: int) -> tuple[int, Bar]:
        """Return the end of the interval of a timeframe, and a copy of its bar as it is now."""
        assert self.end_us is not None
        bar = Bar()
        bar.merge(self._bars[index])
        bar.merge(self.base)
        length_us = self._lengths_us[index]
        return -(-self.end_us // length_us) * length_us, bar

    def closing(self, until_us: int) -> Iterator[tuple[int, int, Bar]]:
        """Close what ends by a time; yield timeframe, end and bar, what ends first before the rest.

        Of those that end together the finest comes first.
        """
        if self.end_us is not None and until_us - self.end_us > self._most_us:
            yield from self._leap(self.end_us, until_us - self._most_us)
        while self.end_us is not None and until_us >= self.end_us:
            self._merge_base()
            for index, length_us in enumerate(self._lengths_us):
                if self.end_us % length_us == 0:
                    yield index, self.end_us, self._take(index)
            self.end_us += self.base_us

    def _leap(self, end_us: int, to_us: int) -> Iterator[tuple[int, int, Bar]]:
        """Close what is open and ends by a time; go on there, without what lies between."""
        self._merge_base()
        ends = sorted((-(-end_us // us) * us, index) for index, us in enumerate(self._lengths_us))
        for us, index in ends:
            if us <= to_us:
                yield index, us, self._take(index)
        self._go_on_at(to_us)

    def _go_on_at(self, time_us: int) -> None:
        self.end_us = (time_us // self.base_us + 1) * self.base_us

    def _merge_base(self) -> None:
        for bar in self._bars:
            bar.merge(self.base)
        self.base = Bar()

    def _take(self, index: int) -> Bar:
        bar, self._bars[index] = self._bars[index], Bar()
        return bar
