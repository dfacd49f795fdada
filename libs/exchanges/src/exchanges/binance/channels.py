"""What the channels of a symbol say: from a frame's fields to an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from exchanges.binance import wire
from exchanges.events import (
    BookEvent,
    ContextEvent,
    Event,
    Ignored,
    LiquidationEvent,
    QuoteEvent,
    TradeEvent,
)
from exchanges.numbers import NotNegative, Positive
from marketstream.errors import BadMessage
from marketstream.messages import Side, Trade

type Decode = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channel: what its frames hold, and how that is read, wrapped or raw."""

    shape: Any
    decode: Decode
    decode_combined: Decode
    event: Callable[[Any, Channel], Event]

    @classmethod
    def of(cls, shape: Any, event: Callable[[Any, Channel], Event]) -> Kind:
        """Return the kind whose fields are of this shape, and turned into events so."""
        return cls(
            shape,
            msgspec.json.Decoder(shape, strict=False).decode,
            msgspec.json.Decoder(wire.Combined[shape], strict=False).decode,
            event,
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """A stream of one symbol."""

    stream: str
    market: str
    wire_symbol: str
    kind: Kind


def trade_event(fields: wire.Trade[float], channel: Channel) -> TradeEvent | Ignored:
    """Return the trade that a frame holds, unless it is none of the market's."""
    if fields.symbol != channel.wire_symbol or fields.event != "trade":
        raise _disagreement(channel, fields.event, fields.symbol)
    if fields.execution not in wire.OF_MARKET:
        return Ignored(f"{channel.stream} X={fields.execution:.20}")
    time = fields.time
    trade = Trade(
        fields.id,
        fields.price,
        fields.quantity,
        "sell" if fields.buyer_is_maker else "buy",
        time * 1_000 if time < wire.LAST_MS else _time_us(time, channel.stream),
    )
    return TradeEvent(channel.market, trade)


def _quote_event(fields: wire.Quote[float], channel: Channel) -> QuoteEvent:
    if fields.symbol != channel.wire_symbol or fields.event != "bookTicker":
        raise _disagreement(channel, fields.event, fields.symbol)
    if fields.bid >= fields.ask:
        raise BadMessage(f"{channel.stream}: crossed quote, b={fields.bid}, a={fields.ask}")
    time = fields.time
    return QuoteEvent(
        channel.market,
        fields.bid,
        fields.bid_quantity,
        fields.ask,
        fields.ask_quantity,
        None if time is None else _time_us(time, channel.stream),
        fields.update_id,
    )


def _levels_event(fields: wire.Levels[float, float], channel: Channel) -> BookEvent:
    time = fields.time
    time_us = None if time is None else _time_us(time, channel.stream)
    return BookEvent(
        channel.market, fields.bids, fields.asks, is_snapshot=True, time_us=time_us,
        last=fields.last,
    )  # fmt: skip


def _best_event(fields: wire.Depth[float, float], channel: Channel) -> BookEvent:
    _check_depth(fields, channel)
    time = fields.time
    time_us = None if time is None else _time_us(time, channel.stream)
    return BookEvent(
        channel.market, fields.bids, fields.asks, is_snapshot=True, time_us=time_us,
        last=fields.last,
    )  # fmt: skip


def _changes_event(fields: wire.Depth[float, float], channel: Channel) -> BookEvent:
    _check_depth(fields, channel)
    time = fields.sent if fields.time is None else fields.time
    time_us = None if time is None else _time_us(time, channel.stream)
    return BookEvent(
        channel.market, fields.bids, fields.asks, is_snapshot=False, time_us=time_us,
        first=fields.first, last=fields.last, follows=fields.follows,
    )  # fmt: skip


def _mark_event(fields: wire.MarkPrice, channel: Channel) -> ContextEvent:
    if fields.symbol != channel.wire_symbol:
        raise _disagreement(channel, fields.event, fields.symbol)
    return ContextEvent(
        channel.market,
        fields.time * 1_000,
        mark=fields.mark,
        index=fields.index,
        funding_rate=fields.rate,
        next_funding_us=fields.next_funding * 1_000,
    )


def _forced_event(fields: wire.Forced, channel: Channel) -> LiquidationEvent:
    order = fields.order
    if order.symbol != channel.wire_symbol:
        raise _disagreement(channel, fields.event, order.symbol)
    side: Side = "buy" if order.side == "BUY" else "sell"
    time_us = order.time * 1_000
    return LiquidationEvent(channel.market, side, order.price, order.quantity, time_us)


def _interest_event(fields: wire.OpenInterest, channel: Channel) -> ContextEvent:
    return ContextEvent(
        channel.market, fields.time * 1_000, open_interest=fields.amount, asked=True
    )


TRADE = Kind.of(wire.Trade[Positive], trade_event)
QUOTE = Kind.of(wire.Quote[Positive], _quote_event)
LEVELS = Kind.of(wire.Levels[Positive, NotNegative], _levels_event)
BEST = Kind.of(wire.Depth[Positive, NotNegative], _best_event)
CHANGES = Kind.of(wire.Depth[Positive, NotNegative], _changes_event)
"""Trades, quotes, the best levels in spot markets and of perpetuals, and changes of the book."""
MARK = Kind.of(wire.MarkPrice, _mark_event)
FORCED = Kind.of(wire.Forced, _forced_event)
INTEREST = Kind.of(wire.OpenInterest, _interest_event)
"""What is told of perpetuals beside; open interest is an answer of REST."""


def _check_depth(fields: wire.Depth[float, float], channel: Channel) -> None:
    if fields.symbol != channel.wire_symbol or fields.event != "depthUpdate":
        raise _disagreement(channel, fields.event, fields.symbol)
    if fields.first > fields.last:
        raise BadMessage(f"{channel.stream}: U={fields.first} is after u={fields.last}")


def _disagreement(channel: Channel, event: str, symbol: str) -> BadMessage:
    return BadMessage(f"{channel.stream} carries e={event!r:.50}, s={symbol!r:.50}")


def _time_us(time: int, stream: str) -> int:
    """Return a time in µs, which is in ms, or in µs where the URL has timeUnit=MICROSECOND."""
    if time < wire.LAST_MS:
        return time * 1_000
    if time < wire.FIRST_MS * 1_000:
        raise BadMessage(f"{stream}: T={time} is no time in ms nor in µs")
    return time
