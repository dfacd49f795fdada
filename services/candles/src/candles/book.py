"""The book as of each close: quotes newer than the open interval wait for it to end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from marketstream.messages import Quote

_BEFORE_FIRST_TRADE = 16


class Book:
    """The newest quotes of a market, in the order in which they came."""

    def __init__(self, last: Quote | None = None, newer: Iterable[Quote] = ()) -> None:
        self.last = last
        """The newest quote from before the last close."""
        self._newer = deque(newer)

    def add(self, quote: Quote, *, traded: bool) -> None:
        """Take a quote; as long as nothing has traded only the newest 16 of them are of use."""
        self._newer.append(quote)
        if not traded and len(self._newer) > _BEFORE_FIRST_TRADE:
            self.last = self._newer.popleft()

    def as_of(self, end_us: int) -> Quote | None:
        """Return the newest quote before an interval's end, None where there is none."""
        while self._newer and self._newer[0].time_us < end_us:
            self.last = self._newer.popleft()
        return self.last

    @property
    def newest(self) -> Quote | None:
        """The newest quote of all."""
        return self._newer[-1] if self._newer else self.last

    @property
    def newer(self) -> list[Quote]:
        """The quotes that no closed interval ends after."""
        return list(self._newer)
