"""One connection to the perpetuals' streams, which tell of them too."""

from __future__ import annotations

from exchange_simulator.serving.view import Channel
from exchange_simulator.venues.binance.session import BinanceSession

MARK_US = {"markPrice": 3_000_000, "markPrice@1s": 1_000_000}
FORCED = "forceOrder"


class UsdmSession(BinanceSession):
    """A connection, whichever route it takes."""

    def channel_of(self, name: str, wire_symbol: str, kind: str) -> Channel | None:
        """Return the channel of a market."""
        if kind in MARK_US or kind == FORCED:
            return Channel(name, wire_symbol, "context", kind)
        return super().channel_of(name, wire_symbol, kind)
