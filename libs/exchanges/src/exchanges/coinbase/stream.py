"""Coinbase Exchange's WebSocket feed: what to ask for, and what a frame says.

Trades are `matches`, the first of them one from before, and a real one. Best bid and ask are those
of `ticker`, which comes with trades only: in between, `level2_batch` has what changes, every 50 ms.
Heartbeats name the newest trade, so that a silence is proven.
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from exchanges.bad_frames import bad_frame
from exchanges.coinbase import wire
from exchanges.events import Alive, BookEvent, Event, Ignored, Notice, QuoteEvent, TradeEvent
from exchanges.numbers import NotNegative, Positive, check_levels
from exchanges.times import us_of
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Trade
from marketstream.symbols import market_of

_HEAD = b'{"type":"'

_decode_match = msgspec.json.Decoder(wire.Match[Positive], strict=False).decode
_decode_ticker = msgspec.json.Decoder(wire.Ticker[Positive], strict=False).decode
_decode_heartbeat = msgspec.json.Decoder(wire.Heartbeat).decode
_decode_snapshot = msgspec.json.Decoder(wire.Snapshot[Positive, NotNegative], strict=False).decode
_decode_changes = msgspec.json.Decoder(wire.Changes[Positive, NotNegative], strict=False).decode
_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode


class CoinbaseStream:
    """Trades and best bid and ask of some symbols, such as `BTC/USD`; books where `levels` are."""

    request_interval_s = 0.1
    keepalive: bytes | None = None
    keepalive_s = 0.0

    def __init__(self, symbols: Sequence[str], venue: str = "coinbase", *, levels: int = 0) -> None:
        self.name = venue
        check_levels(levels, most=wire.MOST_LEVELS)
        symbols = list(dict.fromkeys(symbols))
        if len(symbols) > wire.MOST_SYMBOLS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to Coinbase carries "
                f"{wire.MOST_SYMBOLS}"
            )
        self.markets = tuple(market_of(venue, symbol) for symbol in symbols)
        self._markets = dict(zip(map(wire.product_of, symbols), self.markets, strict=True))
        self._channels = ["matches", "ticker", "heartbeat"]
        self._readers: dict[bytes, Callable[[bytes], Event]] = {
            b"match": self._read_match,
            b"last_match": self._read_match,
            b"ticker": self._read_ticker,
            b"heartbeat": self._read_heartbeat,
        }
        if levels:
            self._channels.append("level2_batch")
            self._readers |= {b"snapshot": self._read_snapshot, b"l2update": self._read_changes}

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since channels are subscribed to."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                "wss://ws-feed.exchange.coinbase.com"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the one request; the exchange wants it within 5 s."""
        request = {
            "type": "subscribe",
            "product_ids": list(self._markets),
            "channels": self._channels,
        }
        return [msgspec.json.encode(request)]

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
        """Read a frame of another type, or written in another way."""
        said = _decode_envelope(frame)
        read = self._readers.get(said.type.encode(errors="replace"))
        if read is not None:
            return read(frame)
        if said.type == "error":
            refusal = f"{said.message:.200} {said.reason:.200}".strip()
            return Notice("refused", f"the exchange refused a request: {refusal}")
        if said.type == "subscriptions":
            return Notice("subscribed", "the exchange accepted a request")
        return Ignored(said.type[:50])

    def _read_match(self, frame: bytes) -> Event:
        match = _decode_match(frame)
        market = self._markets.get(match.product)
        if market is None:
            return _ignored("matches", match.product)
        taker = wire.TAKER[match.side]
        return TradeEvent(
            market, Trade(match.id, match.price, match.quantity, taker, us_of(match.time))
        )

    def _read_ticker(self, frame: bytes) -> Event:
        ticker = _decode_ticker(frame)
        market = self._markets.get(ticker.product)
        bid_quantity, ask_quantity = ticker.bid_quantity, ticker.ask_quantity
        if market is None or bid_quantity is None or ask_quantity is None:
            return _ignored("ticker", ticker.product)
        if ticker.bid >= ticker.ask:
            raise BadMessage(
                f"{market}: crossed quote, best_bid={ticker.bid}, best_ask={ticker.ask}"
            )
        return QuoteEvent(
            market, ticker.bid, bid_quantity, ticker.ask, ask_quantity, us_of(ticker.time),
            ticker.sequence,
        )  # fmt: skip

    def _read_heartbeat(self, frame: bytes) -> Event:
        heartbeat = _decode_heartbeat(frame)
        market = self._markets.get(heartbeat.product)
        if market is None:
            return _ignored("heartbeat", heartbeat.product)
        return Alive(market, heartbeat.last_id, us_of(heartbeat.time))

    def _read_snapshot(self, frame: bytes) -> Event:
        book = _decode_snapshot(frame)
        market = self._markets.get(book.product)
        if market is None:
            return _ignored("level2_batch", book.product)
        time_us = None if book.time is None else us_of(book.time)
        bids, asks = tuple(book.bids), tuple(book.asks)
        return BookEvent(market, bids, asks, is_snapshot=True, time_us=time_us)

    def _read_changes(self, frame: bytes) -> Event:
        book = _decode_changes(frame)
        market = self._markets.get(book.product)
        if market is None:
            return _ignored("level2_batch", book.product)
        bids = tuple([(price, left) for side, price, left in book.changes if side == "buy"])
        asks = tuple([(price, left) for side, price, left in book.changes if side == "sell"])
        return BookEvent(market, bids, asks, is_snapshot=False, time_us=us_of(book.time))


def _ignored(channel: str, product: str) -> Ignored:
    return Ignored(f"{channel} {product:.30}")
