"""The WebSocket streams of perpetuals: those of spot markets, but for what is said here.

They are served by two routes, of which one connection has one: `/public` has trades, quotes and
books, `/market` aggregates of trades over 100 ms. A stream of the other route is accepted and never
comes. Trades one by one are the ones whose ids show what is missing; the documents leave them out,
and recordings and other clients have them.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from __future__ import annotations

from collections.abc import Sequence

from exchanges.binance import channels
from exchanges.binance.stream import BinanceStream
from exchanges.binance_usdm.symbols import wire_symbol


class UsdmStream(BinanceStream):
    """Trades, best bid and ask and levels of the book of some symbols, such as `BTC/USDT:USDT`.

    What is no trade of the market, of the insurance fund say (`X`), is ignored.
    """

    example_url = "wss://fstream.binance.com/public/ws"
    best_levels = channels.BEST

    def __init__(
        self, symbols: Sequence[str], venue: str = "binance-usdm", *, levels: int = 0
    ) -> None:
        super().__init__(symbols, venue, levels=levels)

    def wire_symbol(self, symbol: str) -> str:
        """Return a symbol as the exchange spells it: `BTCUSDT`; SettingsError if no perpetual."""
        return wire_symbol(symbol)
