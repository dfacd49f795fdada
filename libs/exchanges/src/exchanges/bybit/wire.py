"""Bybit's frames and answers (v5) as structs, and what differs between its kinds of market.

https://bybit-exchange.github.io/docs/v5/intro
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from exchanges.numbers import NotNegative, Positive, Rate
from marketstream.errors import SettingsError

MOST_SYMBOLS = 100  # a connection: the names of all topics are 21,000 characters at most
MOST_KLINES = 200  # an answer
TOPICS_A_REQUEST = 10
DEPTHS = (50, 200)  # of books
BAD_PARAMETER = 10001  # which a symbol that nobody knows is too
TOO_MANY_REQUESTS = 10006
INTERVALS = {
    "1m": "1", "3m": "3", "5m": "5", "15m": "15", "30m": "30", "1h": "60", "2h": "120",
    "4h": "240", "6h": "360", "12h": "720", "1d": "D",
}  # fmt: skip

_MASK = 2**63 - 1

Number = Annotated[int, msgspec.Meta(ge=0, le=_MASK)]
TimeMs = Annotated[int, msgspec.Meta(ge=1_230_768_000_000, lt=4_102_444_800_000)]  # 2009 to 2099


class Trade[Id](msgspec.Struct, gc=False):
    """A trade; `side` is the taker's."""

    time_ms: TimeMs = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: Literal["Buy", "Sell"] = msgspec.field(name="S")
    size: Positive = msgspec.field(name="v")
    price: Positive = msgspec.field(name="p")
    id: Id = msgspec.field(name="i")
    is_block: bool = msgspec.field(name="BT", default=False)


class Trades[Id](msgspec.Struct, gc=False):
    """What `publicTrade` says: trades in the order of time."""

    data: list[Trade[Id]]


type Level = tuple[Positive, NotNegative]


class Levels(msgspec.Struct, gc=False):
    """Levels of a book; a size of 0 says that a price is gone."""

    symbol: str = msgspec.field(name="s")
    bids: tuple[Level, ...] = msgspec.field(name="b")
    asks: tuple[Level, ...] = msgspec.field(name="a")
    update_id: Number = msgspec.field(name="u")
    sequence: Number | None = msgspec.field(name="seq", default=None)


class Book(msgspec.Struct, gc=False):
    """What `orderbook` says; `matched_ms` is by the clock of trades, `sent_ms` is not."""

    kind: Literal["snapshot", "delta"] = msgspec.field(name="type")
    sent_ms: TimeMs = msgspec.field(name="ts")
    data: Levels
    matched_ms: TimeMs | None = msgspec.field(name="cts", default=None)


class Ticker(msgspec.Struct, gc=False):
    """What is told of a perpetual; a change leaves out what is as it was."""

    symbol: str
    mark: Positive | None = msgspec.field(name="markPrice", default=None)
    index: Positive | None = msgspec.field(name="indexPrice", default=None)
    rate: Rate | None = msgspec.field(name="fundingRate", default=None)
    next_funding_ms: TimeMs | None = msgspec.field(name="nextFundingTime", default=None)
    open_interest: NotNegative | None = msgspec.field(name="openInterest", default=None)


class Tickers(msgspec.Struct, gc=False):
    """What `tickers` says."""

    kind: Literal["snapshot", "delta"] = msgspec.field(name="type")
    sent_ms: TimeMs = msgspec.field(name="ts")
    data: Ticker


class Liquidation(msgspec.Struct, gc=False):
    """A position that was closed by force; `side` is the position's: of a long it is `Buy`."""

    time_ms: TimeMs = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: Literal["Buy", "Sell"] = msgspec.field(name="S")
    size: Positive = msgspec.field(name="v")
    price: Positive = msgspec.field(name="p")


class Liquidations(msgspec.Struct, gc=False):
    """What `allLiquidation` says."""

    data: list[Liquidation]


class Envelope(msgspec.Struct, gc=False):
    """Any frame: of a topic, or the answer to a request."""

    topic: str | None = None
    op: str | None = None
    success: bool | None = None
    message: str = msgspec.field(name="ret_msg", default="")


class Answer[Result](msgspec.Struct):
    """An answer of the REST API; where it is a refusal its `result` is of no shape."""

    code: int = msgspec.field(name="retCode")
    message: str = msgspec.field(name="retMsg")
    result: Result


class Row[Id](msgspec.Struct):
    """A trade of the past."""

    id: Id = msgspec.field(name="execId")
    symbol: str
    price: Positive
    size: Positive
    side: Literal["Buy", "Sell"]
    time_ms: TimeMs = msgspec.field(name="time")
    is_block: bool = msgspec.field(name="isBlockTrade", default=False)


class Candle(msgspec.Struct, array_like=True):
    """A row of `/v5/market/kline`."""

    open_time_ms: TimeMs
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str


class Rows[Of](msgspec.Struct):
    """What answers hold, newest first."""

    rows: list[Of] = msgspec.field(name="list")
    symbol: str | None = None


class Instrument(msgspec.Struct):
    """A market in `/v5/market/instruments-info`."""

    symbol: str
    price_filter: dict[str, Any] = msgspec.field(name="priceFilter")
    lot_filter: dict[str, Any] = msgspec.field(name="lotSizeFilter")


class Clock(msgspec.Struct):
    """The answer of `/v5/market/time`."""

    time_ns: int = msgspec.field(name="timeNano")


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of market: how its symbols and trade ids look, and how many trades an answer has.

    `trades` and `row` are what holds trades; `trade_id` makes a number of their ids, or raises
    ValueError, `wire_symbol` SettingsError. `lot` is the name of the rule. Where ids say nothing of
    the order (`ordered`), trades of one millisecond are given the microseconds of it in the order
    in which they are told.
    """

    name: str
    most_trades: int
    lot: str
    wire_symbol: Callable[[str], str]
    trades: Any
    row: Any
    trade_id: Callable[[Any], int]
    ordered: bool


def _spot_symbol(symbol: str) -> str:
    if ":" in symbol:
        raise SettingsError(f"{symbol} is no spot market: write it like BTC/USDT")
    return symbol.replace("/", "")


def _linear_symbol(symbol: str) -> str:
    pair, _, settled_in = symbol.partition(":")
    base, _, quote = pair.partition("/")
    if settled_in != quote:
        raise SettingsError(
            f"{symbol} is no perpetual settled in what it is quoted in: write it like BTC/USDT:USDT"
        )
    return f"{base}PERP" if quote == "USDC" else base + quote


def number_of_uuid(text: str) -> int:
    """Return 63 bits of a UUID, the same each time: its halves laid over each other."""
    if len(text) != 36:
        raise ValueError(f"{text!r:.50} is no UUID")
    number = int(text.replace("-", ""), 16)
    return (number ^ number >> 64) & _MASK


def nth_in_ms(time_ms: int, nth: int) -> int:
    """Return the time in µs of a trade that is the nth of its millisecond, from 0 on."""
    return time_ms * 1_000 + min(nth, 999)


SPOT = Category(
    name="spot",
    most_trades=60,
    lot="basePrecision",
    wire_symbol=_spot_symbol,
    trades=Trades[Number],
    row=Row[Number],
    trade_id=int,
    ordered=True,
)
LINEAR = Category(
    name="linear",
    most_trades=1_000,
    lot="qtyStep",
    wire_symbol=_linear_symbol,
    trades=Trades[str],
    row=Row[str],
    trade_id=number_of_uuid,
    ordered=False,
)


def depth_for(levels: int) -> int:
    """Return how many levels of a book are asked for, where so many are wanted."""
    return next(depth for depth in DEPTHS if depth >= levels)
