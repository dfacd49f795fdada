"""Coinbase Exchange's frames and answers as structs, for whoever reads and whoever says them.

`Number` is what a decimal text is read as: a checked float, or the text itself where digits count.
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exchanges.numbers import NotNegative
from exchanges.times import Time
from marketstream.messages import Side

MOST_SYMBOLS = 100  # a connection; no bound is stated
MOST_ROWS = 1_000  # of trades in an answer
MOST_KLINES = 300
MOST_LEVELS = 1_000  # books are sent whole
SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400}
DELISTED = "delisted"

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

TAKER: dict[Side, Side] = {"buy": "sell", "sell": "buy"}  # by the maker's side, as it is sent


class Match[Number](msgspec.Struct, gc=False):
    """A trade, or the last one before (`last_match`); `side` is the maker's."""

    type: Literal["match", "last_match"]
    id: Id = msgspec.field(name="trade_id")
    side: Side
    quantity: Number = msgspec.field(name="size")
    price: Number
    product: str = msgspec.field(name="product_id")
    time: Time
    sequence: Id = 0


class Ticker[Number](msgspec.Struct, gc=False):
    """Best bid and ask as of a trade; in 2021 it had no sizes."""

    type: Literal["ticker"]
    sequence: Id
    product: str = msgspec.field(name="product_id")
    time: Time
    bid: Number = msgspec.field(name="best_bid")
    ask: Number = msgspec.field(name="best_ask")
    bid_quantity: Number | None = msgspec.field(name="best_bid_size", default=None)
    ask_quantity: Number | None = msgspec.field(name="best_ask_size", default=None)


class Heartbeat(msgspec.Struct, gc=False):
    """What comes once a second for each product, with its newest trade."""

    type: Literal["heartbeat"]
    sequence: Id
    last_id: Id = msgspec.field(name="last_trade_id")
    product: str = msgspec.field(name="product_id")
    time: Time


class Snapshot[Price, Quantity](msgspec.Struct):
    """A whole book, the best levels first."""

    type: Literal["snapshot"]
    product: str = msgspec.field(name="product_id")
    bids: list[tuple[Price, Quantity]]
    asks: list[tuple[Price, Quantity]]
    time: Time | None = None


class Changes[Price, Quantity](msgspec.Struct):
    """Levels of a book that changed; a quantity of 0 says that a price is gone."""

    type: Literal["l2update"]
    product: str = msgspec.field(name="product_id")
    changes: list[tuple[Side, Price, Quantity]]
    time: Time


class Envelope(msgspec.Struct):
    """Any frame."""

    type: str
    message: str = ""
    reason: str = ""


class Row[Number](msgspec.Struct):
    """A trade of the past; `side` is the maker's."""

    id: Id = msgspec.field(name="trade_id")
    side: Side
    quantity: Number = msgspec.field(name="size")
    price: Number
    time: Time


class Candle(msgspec.Struct, array_like=True):
    """A row of `candles`, whose numbers are numbers."""

    open_time_s: Annotated[int, msgspec.Meta(gt=0, lt=2**40)]
    low: NotNegative
    high: NotNegative
    open: NotNegative
    close: NotNegative
    volume: NotNegative


class Product(msgspec.Struct):
    """A market, and the steps of its prices and quantities."""

    id: str
    tick: str = msgspec.field(name="quote_increment")
    lot: str = msgspec.field(name="base_increment")
    status: str = ""


class Clock(msgspec.Struct):
    """The answer of `/time`."""

    time: Time = msgspec.field(name="iso")


def product_of(symbol: str) -> str:
    """Return a symbol as the exchange spells it: `BTC-USD`."""
    return symbol.replace("/", "-")
