"""Kraken's frames and answers as structs, for whoever reads them and whoever says them.

In frames numbers are numbers, in answers they are texts, but for times.
https://docs.kraken.com/api/docs/websocket-v2/trade and the pages beside it
"""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Annotated, Literal

import msgspec

from exchanges.numbers import NotNegative, Positive
from exchanges.times import Time

MOST_SYMBOLS = 200  # a connection; no bound is stated
SYMBOLS_A_REQUEST = 100
MOST_ROWS = 1_000  # of trades in an answer
MOST_KLINES = 720  # the newest, whatever time is asked for
DEPTHS = (10, 25, 100, 500, 1_000)  # levels of a book that can be asked for
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1_440}
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
# What is said with HTTP status 200 where too much was asked.
LIMITED = ("EAPI:Rate limit exceeded", "EService: Throttled", "EGeneral:Temporary lockout")

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Checksum = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=18)]

_REST_CODES = {"BTC": "XBT", "DOGE": "XDG"}


class Trade(msgspec.Struct, gc=False):
    """A trade; `side` is the taker's."""

    symbol: str
    side: Literal["buy", "sell"]
    price: Positive
    quantity: Positive = msgspec.field(name="qty")
    order_type: str = msgspec.field(name="ord_type")
    id: Id = msgspec.field(name="trade_id")
    time: Time = msgspec.field(name="timestamp")


class Quote(msgspec.Struct, gc=False):
    """Best bid and ask, of what `ticker` says; it had no time before 2025."""

    symbol: str
    bid: Positive
    bid_quantity: Positive = msgspec.field(name="bid_qty")
    ask: Positive
    ask_quantity: Positive = msgspec.field(name="ask_qty")
    time: Time | None = msgspec.field(name="timestamp", default=None)


class Level(msgspec.Struct, gc=False):
    """A price of a book; a quantity of 0 says that it is gone."""

    price: Positive
    quantity: NotNegative = msgspec.field(name="qty")


class Book(msgspec.Struct):
    """Levels of a book, with the CRC32 of its best ten on either side."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    checksum: Checksum
    time: Time | None = msgspec.field(name="timestamp", default=None)


class Update[Item](msgspec.Struct):
    """What a channel says; a snapshot is what has been before."""

    channel: str
    kind: Literal["snapshot", "update"] = msgspec.field(name="type")
    data: list[Item]


class SystemStatus(msgspec.Struct):
    """Whether the exchange is online."""

    system: str


class Envelope(msgspec.Struct):
    """Any frame: of a channel, or the answer to a request, which is one for each symbol."""

    channel: str | None = None
    method: str | None = None
    success: bool = True
    error: str = ""


class Answer[Result](msgspec.Struct):
    """Any answer: there are errors, or a result."""

    result: Result | None = None
    error: list[str] = []


class Row(msgspec.Struct, array_like=True):
    """A trade of the past; its time is in seconds."""

    price: Positive
    quantity: Positive
    time_s: Decimal
    side: Literal["b", "s"]
    order_type: Literal["m", "l"]
    misc: str
    id: Id


class Candle(msgspec.Struct, array_like=True):
    """A row of `OHLC`."""

    open_time_s: Annotated[int, msgspec.Meta(gt=0, lt=2**40)]
    open: str
    high: str
    low: str
    close: str
    average: str
    volume: str
    trade_count: int


class Pair(msgspec.Struct):
    """A market of `AssetPairs`."""

    pair_decimals: Decimals
    lot_decimals: Decimals


class Clock(msgspec.Struct):
    """The result of `Time`, in whole seconds."""

    time_s: int = msgspec.field(name="unixtime")


def rest_symbol(symbol: str) -> str:
    """Return a symbol as REST is asked for it: `XBTUSD`."""
    return "".join(_rest_codes(symbol))


def rest_names(symbol: str) -> frozenset[str]:
    """Return what answers may call a symbol: old assets' codes begin with X or Z: `XXBTZUSD`."""
    base, quote = _rest_codes(symbol)
    pairs = product((base, f"X{base}"), (quote, f"Z{quote}", f"X{quote}"))
    return frozenset(map("".join, pairs)) | {symbol}


def _rest_codes(symbol: str) -> list[str]:
    return [_REST_CODES.get(code, code) for code in symbol.split("/")]


def depth_for(levels: int) -> int:
    """Return how many levels of a book are asked for, where so many are wanted."""
    return next(depth for depth in DEPTHS if depth >= levels)
