"""Frames and answers as structs: here the exchange's spelling ends."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exchanges.numbers import NotNegative, Positive

MOST_SYMBOLS = 100  # a connection
MOST_ROWS = 500  # an answer
BOOK_LEVELS = 50

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
TimeMs = Annotated[int, msgspec.Meta(ge=1_230_768_000_000, lt=4_102_444_800_000)]  # 2009 to 2099


class Trade(msgspec.Struct, tag_field="type", tag="trade", gc=False):
    """A trade; `side` is the taker's."""

    symbol: str
    id: Id
    price: Positive
    size: Positive
    side: Literal["buy", "sell"]
    time_ms: TimeMs


class Quote(msgspec.Struct, tag_field="type", tag="quote", gc=False):
    """Best bid and ask."""

    symbol: str
    bid: Positive
    bid_size: Positive
    ask: Positive
    ask_size: Positive
    time_ms: TimeMs


class Book(msgspec.Struct, tag_field="type", tag="book", gc=False):
    """The best levels of a book (`snapshot`), or those that changed, from one number to another."""

    symbol: str
    snapshot: bool
    bids: tuple[tuple[Positive, NotNegative], ...]
    asks: tuple[tuple[Positive, NotNegative], ...]
    first: Id
    last: Id
    time_ms: TimeMs


class Subscribed(msgspec.Struct, tag_field="type", tag="subscribed"):
    """The answer to a subscription."""


class Refused(msgspec.Struct, tag_field="type", tag="error"):
    """A request that was refused, and why."""

    message: str


type Frame = Trade | Quote | Book | Subscribed | Refused


class Row(msgspec.Struct):
    """A trade of the past."""

    id: Id
    price: Positive
    size: Positive
    side: Literal["buy", "sell"]
    time_ms: TimeMs


class Past(msgspec.Struct):
    """The answer of `/trades`."""

    symbol: str
    trades: list[msgspec.Raw]


class Candle(msgspec.Struct, array_like=True):
    """A row of `/candles`."""

    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trade_count: int


class Candles(msgspec.Struct):
    """The answer of `/candles`."""

    symbol: str
    interval_ms: int
    candles: list[Candle]


class MarketRules(msgspec.Struct):
    """The answer of `/markets/SYMBOL`."""

    symbol: str
    tick: str
    lot: str


class Clock(msgspec.Struct):
    """The answer of `/time`."""

    time_ms: int


def wire_symbol(symbol: str) -> str:
    """Return a symbol as the exchange spells it: `BTC-USDT`."""
    return symbol.replace("/", "-")
