"""The book as of each close: what is newer than the open interval waits for it to end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from marketstream.messages import Context, Depth, Quote

_BEFORE_FIRST_TRADE = 16
_MOST = 1_000


class Book[Shown: Quote | Depth | Context]:
    """The newest quotes of a market, levels of its book or what else is told, as they came."""

    def __init__(self, last: Shown | None = None, newer: Iterable[Shown] = ()) -> None:
        self.last = last
        """The newest from before the last close, or before the end of the open interval."""
        self._newer = deque(newer)

    def add(self, shown: Shown, open_end_us: int | None) -> None:
        """Take one; `open_end_us` is where the open interval ends, None before the first trade.

        As long as nothing has traded only the newest 16 are of use. Where no interval closes for
        long, those that no close will show are forgotten, then every other one, so that
        there are the fewer the older they are.
        """
        self._newer.append(shown)
        if open_end_us is None:
            if len(self._newer) > _BEFORE_FIRST_TRADE:
                self.last = self._newer.popleft()
        elif len(self._newer) > _MOST:
            self.as_of(open_end_us)
            if len(self._newer) > _MOST:
                self._newer = deque(list(self._newer)[::-2][::-1])  # with the newest

    def as_of(self, end_us: int) -> Shown | None:
        """Return the newest before an interval's end, None where there is none."""
        while self._newer and self._newer[0].time_us < end_us:
            self.last = self._newer.popleft()
        return self.last

    @property
    def newest(self) -> Shown | None:
        """The newest of all."""
        return self._newer[-1] if self._newer else self.last

    @property
    def newer(self) -> list[Shown]:
        """Those that no closed interval ends after."""
        return list(self._newer)
