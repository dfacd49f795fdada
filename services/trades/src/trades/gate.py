"""Holds live messages back while the past is being read, so that the two join without a seam."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from marketstream.messages import Trade, Trades
from trades.intake import Publish


class Gate:
    """Passes messages on, but those of a closed market only once it is opened, in order."""

    def __init__(self, markets: Iterable[str], publish: Publish) -> None:
        self._publish = publish
        self._held: dict[str, list[tuple[Trades, int]]] = {market: [] for market in markets}

    def __call__(self, message: Trades, received_ns: int) -> None:
        """Take a live message."""
        held = self._held.get(message.market)
        if held is None:
            self._publish(message, received_ns)
        else:
            held.append((message, received_ns))

    def holds(self, market: str) -> bool:
        """Say whether the messages of a market are held back."""
        return market in self._held

    def close(self, market: str) -> None:
        """Hold back what comes from now on; again changes nothing."""
        self._held.setdefault(market, [])

    def trades(self, market: str) -> Iterator[Trade]:
        """Yield the trades held back, in order."""
        return (trade for message, _ in self._held.get(market, ()) for trade in message.trades)

    def first_trade(self, market: str) -> Trade | None:
        """Return the first trade held back, None while there is none."""
        return next(self.trades(market), None)

    def first_trade_id(self, market: str) -> int | None:
        """Return the id of the first trade held back, None while there is none."""
        first = self.first_trade(market)
        return None if first is None else first.id - first.count + 1

    def open(self, market: str) -> None:
        """Pass on what was held back, and hold back no more."""
        for message, received_ns in self._held.pop(market, ()):
            self._publish(message, received_ns)

    def pass_before(self, market: str, trade_id: int) -> None:
        """Pass on what was held back ahead of the first trade from an id on; hold back the rest."""
        held = self._held.get(market, [])
        while held and not any(trade.id >= trade_id for trade in held[0][0].trades):
            self._publish(*held.pop(0))
