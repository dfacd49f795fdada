"""Kraken spot's WebSocket API v2: what to ask for, and what a frame says.

Trades come with the last fifty before, which helps to join; they are real ones. Best bid and ask
are those of `ticker` by `bbo`, sent whenever one of them changes.
https://docs.kraken.com/api/docs/websocket-v2/trade, .../ticker, .../book
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from exchanges.bad_frames import bad_frame
from exchanges.events import (
    Alive,
    BookEvent,
    Event,
    Ignored,
    Levels,
    MarketEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.kraken import wire
from exchanges.numbers import check_levels
from exchanges.times import us_of
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade
from marketstream.symbols import market_of

_HEAD = b'{"channel":"'
_ALIVE = Alive()

_decode_trades = msgspec.json.Decoder(wire.Update[wire.Trade]).decode
_decode_quotes = msgspec.json.Decoder(wire.Update[wire.Quote]).decode
_decode_books = msgspec.json.Decoder(wire.Update[wire.Book]).decode
_decode_status = msgspec.json.Decoder(wire.Update[wire.SystemStatus]).decode
_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode
_id_of = attrgetter("id")


class KrakenStream:
    """Trades and best bid and ask of some symbols, such as `BTC/USD`; books where `levels` are."""

    request_interval_s = 0.1
    keepalive: bytes | None = None
    keepalive_s = 0.0

    def __init__(self, symbols: Sequence[str], venue: str = "kraken", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=wire.DEPTHS[-1])
        symbols = list(dict.fromkeys(symbols))
        if len(symbols) > wire.MOST_SYMBOLS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to Kraken carries "
                f"{wire.MOST_SYMBOLS}"
            )
        self.markets = tuple(market_of(venue, symbol) for symbol in symbols)
        self._markets = dict(zip(symbols, self.markets, strict=True))
        self._channels: dict[str, dict[str, Any]] = {
            "trade": {"snapshot": True},
            "ticker": {"event_trigger": "bbo", "snapshot": True},
        }
        self._readers: dict[bytes, Callable[[bytes], Event]] = {
            b"trade": self._read_trades,
            b"ticker": self._read_quotes,
            b"heartbeat": lambda _: _ALIVE,
            b"status": _read_status,
        }
        if levels:
            depth = wire.depth_for(levels)
            self._channels["book"] = {"depth": depth, "snapshot": True}
            self._readers[b"book"] = self._read_books

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since channels are subscribed to."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                "wss://ws.kraken.com/v2"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the requests, to be sent `request_interval_s` apart; each symbol is answered."""
        symbols = list(self._markets)
        step = wire.SYMBOLS_A_REQUEST
        params = [
            {"channel": channel, "symbol": symbols[start : start + step], **options}
            for channel, options in self._channels.items()
            for start in range(0, len(symbols), step)
        ]
        return [
            msgspec.json.encode({"method": "subscribe", "params": some, "req_id": number})
            for number, some in enumerate(params, 1)
        ]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        try:
            read = None
            if frame.startswith(_HEAD):
                read = self._readers.get(frame[len(_HEAD) : frame.find(b'"', len(_HEAD))])
            return self._read_any(frame) if read is None else read(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise bad_frame(error, frame) from error

    def _read_any(self, frame: bytes) -> Event:
        """Read a frame of another channel, of none, or written in another way."""
        said = _decode_envelope(frame)
        if said.channel is not None:
            read = self._readers.get(said.channel.encode(errors="replace"))
            return Ignored(said.channel[:50]) if read is None else read(frame)
        if said.method is None:
            raise BadMessage(f"neither channel nor method: {frame[:100].decode(errors='replace')}")
        if not said.success:
            return Notice("refused", f"the exchange refused a request: {said.error:.200}")
        if said.method == "subscribe":
            return Notice("subscribed", "the exchange accepted a request")
        return Ignored(said.method[:50])

    def _read_trades(self, frame: bytes) -> Event:
        rows = _decode_trades(frame).data
        if len(rows) > 1:
            rows.sort(key=_id_of)
        events: list[MarketEvent] = []
        for row in rows:
            market = self._markets.get(row.symbol)
            if market is not None:
                trade = Trade(row.id, row.price, row.quantity, row.side, us_of(row.time))
                events.append(TradeEvent(market, trade))
        return _event_of("trade", events)

    def _read_quotes(self, frame: bytes) -> Event:
        events: list[MarketEvent] = []
        for row in _decode_quotes(frame).data:
            market = self._markets.get(row.symbol)
            if market is None:
                continue
            if row.bid >= row.ask:
                raise BadMessage(f"{market}: crossed quote, bid={row.bid}, ask={row.ask}")
            time_us = None if row.time is None else us_of(row.time)
            quote = QuoteEvent(
                market, row.bid, row.bid_quantity, row.ask, row.ask_quantity, time_us
            )
            events.append(quote)
        return _event_of("ticker", events)

    def _read_books(self, frame: bytes) -> Event:
        update = _decode_books(frame)
        events: list[MarketEvent] = [
            BookEvent(
                self._markets[row.symbol],
                _levels(row.bids),
                _levels(row.asks),
                is_snapshot=update.kind == "snapshot",
                time_us=None if row.time is None else us_of(row.time),
                checksum=row.checksum,
            )
            for row in update.data
            if row.symbol in self._markets
        ]
        return _event_of("book", events)


def _read_status(frame: bytes) -> Event:
    # In maintenance the exchange closes connections by itself, where it has to.
    systems = [row.system for row in _decode_status(frame).data]
    return Ignored(f"status {', '.join(systems)}"[:50])


def _event_of(channel: str, events: list[MarketEvent]) -> Event:
    """Return what a frame says by what it has of the markets asked for."""
    if len(events) == 1:
        return events[0]
    return Several(tuple(events)) if events else Ignored(channel)


def _levels(rows: list[wire.Level]) -> Levels:
    return tuple([(row.price, row.quantity) for row in rows])
