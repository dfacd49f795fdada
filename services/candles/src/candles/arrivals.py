"""Trades whose ids only tell one from another, numbered as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from marketstream.messages import Trade
from marketstream.recent import Recent

_REMEMBERED = 4_096


class Arrivals:
    """Gives trades numbers that follow on each other; of ids the newest 4,096 are remembered."""

    def __init__(self, known: Iterable[int] = ()) -> None:
        self._known = Recent(_REMEMBERED, known)

    def number(self, trades: Sequence[Trade], next_id: int) -> Sequence[Trade]:
        """Return the trades that did not come before, with numbers from one on for their ids."""
        numbered = []
        for trade in trades:
            if self._known.add(trade.id):
                numbered.append(replace(trade, id=next_id + trade.count - 1))
                next_id += trade.count
        return numbered

    def state(self) -> list[int]:
        """Return everything needed to go on elsewhere."""
        return list(self._known)
