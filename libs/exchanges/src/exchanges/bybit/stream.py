"""Bybit's public WebSocket (v5): what to ask for, and what a frame says.

https://bybit-exchange.github.io/docs/v5/ws/connect, .../v5/websocket/public/trade and
.../v5/websocket/public/orderbook
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from exchanges.bad_frames import bad_frame
from exchanges.bybit import wire
from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    Event,
    Ignored,
    LiquidationEvent,
    Notice,
    QuoteEvent,
    Several,
    TradeEvent,
)
from exchanges.numbers import check_levels
from marketstream.errors import BadMessage, SettingsError
from marketstream.messages import Side, Trade
from marketstream.symbols import market_of

_AFTER_HEAD = len('{"topic":"')
_ALIVE = Alive()

_decode_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_decode_tickers = msgspec.json.Decoder(wire.Tickers, strict=False).decode
_decode_liquidations = msgspec.json.Decoder(wire.Liquidations, strict=False).decode
_decode_envelope = msgspec.json.Decoder(wire.Envelope).decode

type _Best = tuple[float, float] | None


class _Topic(NamedTuple):
    market: str
    wire_symbol: str
    read: Callable[[bytes, _Topic], Event]


class BybitStream:
    """Trades and best bid and ask of some symbols; books where `levels` are followed.

    The best bid and ask come whole, or as a change of one side: then the other is the last known.
    """

    request_interval_s = 0.1
    keepalive: bytes | None = b'{"op":"ping"}'
    keepalive_s = 20.0

    category = wire.SPOT
    has_context = False
    example_url = "wss://stream.bybit.com/v5/public/spot"

    def __init__(self, symbols: Sequence[str], venue: str = "bybit", *, levels: int = 0) -> None:
        self.name = venue
        self._decode_trades = msgspec.json.Decoder(self.category.trades, strict=False).decode
        self._trade_id, self._ordered = self.category.trade_id, self.category.ordered
        check_levels(levels, most=wire.DEPTHS[-1])
        symbols = list(dict.fromkeys(symbols))
        if len(symbols) > wire.MOST_SYMBOLS:
            raise SettingsError(
                f"{len(symbols)} symbols are too many: one connection to Bybit carries "
                f"{wire.MOST_SYMBOLS}"
            )
        self.markets = tuple(market_of(venue, symbol) for symbol in symbols)
        kinds = {"publicTrade": self._read_trades, "orderbook.1": self._read_best}
        if levels:
            depth = wire.depth_for(levels)
            kinds[f"orderbook.{depth}"] = _read_levels
        if self.has_context:
            kinds |= {"tickers": _read_ticker, "allLiquidation": _read_liquidations}
        self._topics: dict[str, _Topic] = {}
        for symbol, market in zip(symbols, self.markets, strict=True):
            wire_symbol = self.category.wire_symbol(symbol)
            for kind, read in kinds.items():
                self._topics[f"{kind}.{wire_symbol}"] = _Topic(market, wire_symbol, read)
        self._topic_of_head = {
            b'{"topic":"' + name.encode(): topic for name, topic in self._topics.items()
        }
        self._best: dict[str, tuple[_Best, _Best]] = dict.fromkeys(self.markets, (None, None))
        self._last_of_ms = dict.fromkeys(self.markets, (0, 0))

    def stream_url(self, ws_url: str) -> str:
        """Return the URL to connect to: the one given, since topics are subscribed to."""
        if not re.match(r"wss?://[^/]", ws_url):
            raise SettingsError(
                f"{ws_url!r} is not a WebSocket URL: set EXCHANGE_WS_URL to one like "
                f"{self.example_url}"
            )
        return ws_url

    def subscribe_frames(self) -> list[bytes]:
        """Return the requests, to be sent `request_interval_s` apart."""
        names = list(self._topics)
        return [
            msgspec.json.encode(
                {"op": "subscribe", "args": names[start : start + wire.TOPICS_A_REQUEST]}
            )
            for start in range(0, len(names), wire.TOPICS_A_REQUEST)
        ]

    def parse(self, frame: bytes) -> Event:
        """Return what a frame says; raises BadMessage where it makes no sense."""
        topic = self._topic_of_head.get(frame[: frame.find(b'"', _AFTER_HEAD)])
        try:
            return self._read_any(frame) if topic is None else topic.read(frame, topic)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise bad_frame(error, frame) from error

    def _read_any(self, frame: bytes) -> Event:
        """Read a frame of another topic, of none, or written in another way."""
        said = _decode_envelope(frame)
        if said.topic is not None:
            topic = self._topics.get(said.topic)
            return Ignored(said.topic[:50]) if topic is None else topic.read(frame, topic)
        if said.op == "pong" or said.message == "pong":
            return _ALIVE
        if said.success is False:
            return Notice("refused", f"the exchange refused a request: {said.message:.200}")
        if said.op == "subscribe" and said.success:
            return Notice("subscribed", "the exchange accepted a request")
        raise BadMessage(f"neither topic nor answer: {frame[:100].decode(errors='replace')}")

    def _read_trades(self, frame: bytes, topic: _Topic) -> Event:
        # What was agreed on outside the book is none of its trades.
        rows = [row for row in self._decode_trades(frame).data if not row.is_block]
        if len(rows) == 1:
            return self._trade_event(rows[0], topic)
        events = tuple([self._trade_event(row, topic) for row in rows])
        return Several(events) if events else Ignored(f"block trades of {topic.wire_symbol}"[:50])

    def _trade_event(self, row: wire.Trade[Any], topic: _Topic) -> TradeEvent:
        if row.symbol != topic.wire_symbol:
            raise _disagreement(topic, row.symbol)
        time_ms = row.time_ms
        trade = Trade(
            self._trade_id(row.id),
            row.price,
            row.size,
            "buy" if row.side == "Buy" else "sell",
            time_ms * 1_000 if self._ordered else self._time_us(topic.market, time_ms),
        )
        return TradeEvent(topic.market, trade)

    def _time_us(self, market: str, time_ms: int) -> int:
        last_ms, nth = self._last_of_ms[market]
        nth = nth + 1 if time_ms == last_ms else 0
        self._last_of_ms[market] = time_ms, nth
        return wire.nth_in_ms(time_ms, nth)

    def _read_best(self, frame: bytes, topic: _Topic) -> Event:
        book = _decode_book(frame)
        data, market = book.data, topic.market
        if data.symbol != topic.wire_symbol:
            raise _disagreement(topic, data.symbol)
        last_bid, last_ask = (None, None) if book.kind == "snapshot" else self._best[market]
        bid, ask = _best_of(data.bids, last_bid), _best_of(data.asks, last_ask)
        self._best[market] = bid, ask
        if bid is None or ask is None:
            return Ignored(f"a book without two sides, {topic.wire_symbol}"[:50])
        if bid[0] >= ask[0]:
            raise BadMessage(f"{market}: crossed quote, b={bid[0]}, a={ask[0]}")
        time_ms = book.sent_ms if book.matched_ms is None else book.matched_ms
        return QuoteEvent(market, *bid, *ask, time_ms * 1_000, data.sequence)


def _read_levels(frame: bytes, topic: _Topic) -> Event:
    book = _decode_book(frame)
    data = book.data
    if data.symbol != topic.wire_symbol:
        raise _disagreement(topic, data.symbol)
    time_ms = book.sent_ms if book.matched_ms is None else book.matched_ms
    return BookEvent(
        topic.market,
        data.bids,
        data.asks,
        is_snapshot=book.kind == "snapshot",
        time_us=time_ms * 1_000,
        first=data.update_id,
        last=data.update_id,
    )


def _read_ticker(frame: bytes, topic: _Topic) -> Event:
    said = _decode_tickers(frame)
    data, next_ms = said.data, said.data.next_funding_ms
    if data.symbol != topic.wire_symbol:
        raise _disagreement(topic, data.symbol)
    return ContextEvent(
        topic.market,
        said.sent_ms * 1_000,
        mark=data.mark,
        index=data.index,
        funding_rate=data.rate,
        next_funding_us=None if next_ms is None else next_ms * 1_000,
        open_interest=data.open_interest,
        confirms=said.kind == "delta",
    )


def _read_liquidations(frame: bytes, topic: _Topic) -> Event:
    events = []
    for row in _decode_liquidations(frame).data:
        if row.symbol != topic.wire_symbol:
            raise _disagreement(topic, row.symbol)
        side: Side = "sell" if row.side == "Buy" else "buy"
        events.append(
            LiquidationEvent(topic.market, side, row.price, row.size, row.time_ms * 1_000)
        )
    if len(events) == 1:
        return events[0]
    return Several(tuple(events)) if events else Ignored(f"nothing of {topic.wire_symbol}"[:50])


def _best_of(levels: tuple[wire.Level, ...], last: _Best) -> _Best:
    """Return the level there is after a change; None where the one there was is gone."""
    for level in levels:
        if level[1] > 0:
            return level
        if last is not None and level[0] == last[0]:
            last = None
    return last


def _disagreement(topic: _Topic, symbol: str) -> BadMessage:
    return BadMessage(f"{topic.market}: its topic carries s={symbol!r:.50}")
