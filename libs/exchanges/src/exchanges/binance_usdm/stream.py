"""The WebSocket streams of perpetuals: those of spot markets, but for what is said here.

They are served by two routes, of which one connection has one: `/public` has trades, quotes and
books, `/market` aggregates of trades over 100 ms, mark prices and liquidations. A stream of the
other route is accepted and never comes. Trades one by one are the ones whose ids show what is
missing; the documents leave them out, and recordings and other clients have them.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from exchanges.binance import channels
from exchanges.binance.channels import Kind
from exchanges.binance.stream import BinanceStream
from exchanges.binance_usdm.symbols import wire_symbol

_ASKED = {"markPrice@1s": channels.MARK, "forceOrder": channels.FORCED}
_CONTEXT = MappingProxyType(
    _ASKED
    | {"markPrice": channels.MARK, "markPriceUpdate": channels.MARK}
    | {"openInterest": channels.INTEREST}
)


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


class UsdmWithContext(UsdmStream):
    """The same, and what comes by the other route is read; it is not asked for here."""

    kinds_beside = _CONTEXT


class UsdmContext(UsdmWithContext):
    """Mark and index price, funding and liquidations by the other route, and open interest.

    The last is what REST answers, put among the frames.
    """

    is_combined = True  # liquidations name their symbol deep inside

    def kinds_wanted(self, levels: int) -> dict[str, Kind]:
        """Return what is asked for of each symbol."""
        del levels
        return dict(_ASKED)

    def stream_url(self, ws_url: str) -> str:
        """Return the URL of the other route of the same server."""
        return re.sub(r"/public(?=/|$)", "/market", super().stream_url(ws_url), count=1)
