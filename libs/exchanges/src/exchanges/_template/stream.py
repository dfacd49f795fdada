"""The exchange's WebSocket: what to ask for, and what a frame says."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from exchanges._template import wire
from exchanges.events import BookEvent, Event, Ignored, Notice, QuoteEvent, TradeEvent
from exchanges.numbers import check_levels
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade
from marketstream.symbols import market_of

_decode = msgspec.json.Decoder[wire.Frame](wire.Frame, strict=False).decode


class TemplateStream:
    """Trades, best bid and ask and, where `levels` are followed, books of some symbols."""

    request_interval_s = 0.1
    keepalive: bytes | None = None
    keepalive_s = 0.0

    def __init__(self, symbols: Sequence[str], venue: str = "template", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=wire.BOOK_LEVELS)
        symbols = list(dict.fromkeys(symbols))
        if len(symbols) > wire.MOST_SYMBOLS:
            raise SettingsError(f"{len(symbols)} symbols: a connection carries {wire.MOST_SYMBOLS}")
        self._levels = levels
        self.markets = tuple(market_of(venue, symbol) for symbol in symbols)
        self._markets = dict(zip(map(wire.wire_symbol, symbols), self.markets, strict=True))

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one")
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the one request there is."""
        request: dict[str, object] = {"op": "subscribe", "symbols": list(self._markets)}
        if self._levels:
            request["levels"] = self._levels
        return [msgspec.json.encode(request)]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        try:
            said = _decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadMessage(f"{error}"[:300]) from error
        if isinstance(said, wire.Subscribed):
            return Notice("subscribed", "the exchange accepted a request")
        if isinstance(said, wire.Refused):
            return Notice("refused", f"the exchange refused a request: {said.message:.200}")
        market = self._markets.get(said.symbol)
        if market is None:
            return Ignored(said.symbol[:50])
        time_us = said.time_ms * 1_000
        if isinstance(said, wire.Trade):
            return TradeEvent(market, Trade(said.id, said.price, said.size, said.side, time_us))
        if isinstance(said, wire.Book):
            if not self._levels:
                return Ignored("book")
            return BookEvent(
                market, said.bids, said.asks, is_snapshot=said.snapshot, time_us=time_us,
                first=said.first, last=said.last,
            )  # fmt: skip
        if said.bid >= said.ask:
            raise BadMessage(f"{market}: crossed quote, bid={said.bid}, ask={said.ask}")
        return QuoteEvent(market, said.bid, said.bid_size, said.ask, said.ask_size, time_us)
