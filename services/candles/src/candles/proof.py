"""What proves that intervals have all of their trades, and which of them still wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from candles.ids import TradeIds
from candles.interval import Interval

_MOST_WAITING = 4_096


class Proof:
    """Certifies intervals by the ids of a market; the newest 4,096 that are not proven wait.

    They may wait longer than they are held: of those that a trade would have changed which came
    too late for it, and of the flat ones since, nothing is said any more.
    """

    def __init__(
        self, ids: TradeIds, lengths_us: Sequence[int], waiting: Iterable[Interval] = ()
    ) -> None:
        self._ids = ids
        self._lengths_us = lengths_us
        self._waiting = deque(waiting, maxlen=_MOST_WAITING)
        self._wrong_us: dict[int, tuple[int, int]] = {}  # by timeframe: ends from (excluded) to

    @property
    def waiting(self) -> Iterable[Interval]:
        """The intervals that are not proven."""
        return self._waiting

    def came_late(self, index: int, time_us: int, held_from_us: int | None) -> None:
        """Note that a trade came for a timeframe of which only what opened since a time is held."""
        if held_from_us is not None and time_us < held_from_us:
            from_us, to_us = self._wrong_us.get(index, (time_us, held_from_us))
            self._wrong_us[index] = min(from_us, time_us), max(to_us, held_from_us)

    def certify(self, one: Interval) -> None:
        """Note what an interval lacks, and whether it is proven that it lacks no more."""
        one.missing = self.missing(one)
        one.proven = self._ids.numbered and one.end_us <= self._ids.proven_us

    def missing(self, one: Interval) -> int | None:
        """Return how many trades an interval lacks, None where nobody can say."""
        return self._ids.missing(one.end_us - self._lengths_us[one.index], one.end_us)

    def close(self, one: Interval) -> None:
        """Certify an interval that has just closed, the newest; it waits where it is not proven."""
        self.certify(one)
        if not one.proven:
            self._waiting.append(one)

    def newly(self) -> Iterable[Interval]:
        """Give the intervals that were not known to be complete, and are by now."""
        if self._waiting:
            return self._newly()
        self._wrong_us.clear()
        return ()

    def _newly(self) -> Iterator[Interval]:
        while self._waiting and self._waiting[0].end_us <= self._ids.proven_us:
            one = self._waiting.popleft()
            from_us, to_us = self._wrong_us.get(one.index, (0, 0))
            if not one.proven and not from_us < one.end_us <= to_us:
                self.certify(one)
                if one.complete:
                    yield one
        if not self._waiting:
            self._wrong_us.clear()
