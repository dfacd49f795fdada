"""The book as of each close: what is newer than the open interval waits for it to end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from marketstream.messages import Context, Depth, Quote

_BEFORE_FIRST_TRADE = 16


class Book[Shown: Quote | Depth | Context]:
    """The newest quotes of a market, levels of its book or what else is told, as they came."""

    def __init__(self, last: Shown | None = None, newer: Iterable[Shown] = ()) -> None:
        self.last = last
        """The newest from before the last close."""
        self._newer = deque(newer)

    def add(self, shown: Shown, *, traded: bool) -> None:
        """Take one; as long as nothing has traded only the newest 16 of them are of use."""
        self._newer.append(shown)
        if not traded and len(self._newer) > _BEFORE_FIRST_TRADE:
            self.last = self._newer.popleft()

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
