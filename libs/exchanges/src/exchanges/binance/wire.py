"""Binance's frames and answers as structs, for whoever reads them and whoever says them.

`Number` is what a decimal text is read as: a checked float, or the text itself where digits count.
https://github.com/binance/binance-spot-api-docs
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from exchanges.numbers import NotNegative, Positive, Rate
from marketstream.errors import SettingsError

MOST_STREAMS = 1_024  # a connection
MOST_ROWS = 1_000  # an answer
BOOK_LEVELS = (5, 10, 20)  # a stream of the best ones
INTERVALS = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
    "1M",
)  # fmt: skip
UNKNOWN_SYMBOL = -1121
OF_MARKET = ("", "MARKET")  # `X` of futures' trades; insurance fund, ADL and NA are none of it
LAST_ID = 2**63 - 1  # that 64 bits hold
FIRST_MS, LAST_MS = 1_230_768_000_000, 4_102_444_800_000  # the years 2009 to 2099

Id = Annotated[int, msgspec.Meta(ge=0, le=LAST_ID)]
TimeMs = Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]
Time = Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS * 1_000)]  # in ms, or in µs if asked for


class Trade[Number](msgspec.Struct, gc=False):
    """A `trade` event."""

    event: str = msgspec.field(name="e")
    symbol: str = msgspec.field(name="s")
    id: Id = msgspec.field(name="t")
    price: Number = msgspec.field(name="p")
    quantity: Number = msgspec.field(name="q")
    time: Time = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    execution: str = msgspec.field(name="X", default="")


class Quote[Number](msgspec.Struct, gc=False):
    """A `bookTicker` event; in spot markets it has neither a name nor a time.

    `time` is when it was true, as that of trades is: `E`, when it was sent, comes after it.
    """

    symbol: str = msgspec.field(name="s")
    bid: Number = msgspec.field(name="b")
    bid_quantity: Number = msgspec.field(name="B")
    ask: Number = msgspec.field(name="a")
    ask_quantity: Number = msgspec.field(name="A")
    event: str = msgspec.field(name="e", default="bookTicker")
    time: Time | None = msgspec.field(name="T", default=None)
    update_id: Id | None = msgspec.field(name="u", default=None)


class Depth[Price, Amount](msgspec.Struct, gc=False):
    """A `depthUpdate` event: changes of a book, or its best levels where those are asked for.

    Of perpetuals it names the one that it follows on, and when it was true. In spot markets there
    is only when it was sent.
    """

    symbol: str = msgspec.field(name="s")
    first: Id = msgspec.field(name="U")
    last: Id = msgspec.field(name="u")
    bids: tuple[tuple[Price, Amount], ...] = msgspec.field(name="b")
    asks: tuple[tuple[Price, Amount], ...] = msgspec.field(name="a")
    event: str = msgspec.field(name="e")
    follows: Id | None = msgspec.field(name="pu", default=None)
    sent: Time | None = msgspec.field(name="E", default=None)
    time: Time | None = msgspec.field(name="T", default=None)


class Levels[Price, Amount](msgspec.Struct, gc=False):
    """The best levels of a book, as REST and the spot markets' streams have them: of no symbol."""

    last: Id = msgspec.field(name="lastUpdateId")
    bids: tuple[tuple[Price, Amount], ...]
    asks: tuple[tuple[Price, Amount], ...]
    time: Time | None = msgspec.field(name="T", default=None)


class MarkPrice(msgspec.Struct, gc=False):
    """A `markPriceUpdate` event of a perpetual: `rate` is due at `next_funding`."""

    event: Literal["markPriceUpdate"] = msgspec.field(name="e")
    time: TimeMs = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    mark: Positive = msgspec.field(name="p")
    index: Positive = msgspec.field(name="i")
    rate: Rate = msgspec.field(name="r")
    next_funding: TimeMs = msgspec.field(name="T")


class ForcedOrder(msgspec.Struct, gc=False):
    """The order that closes a position; `side` is the order's."""

    symbol: str = msgspec.field(name="s")
    side: Literal["BUY", "SELL"] = msgspec.field(name="S")
    quantity: Positive = msgspec.field(name="q")
    price: Positive = msgspec.field(name="p")
    time: TimeMs = msgspec.field(name="T")


class Forced(msgspec.Struct, gc=False):
    """A `forceOrder` event: of each second only the largest is told."""

    event: Literal["forceOrder"] = msgspec.field(name="e")
    order: ForcedOrder = msgspec.field(name="o")


class OpenInterest(msgspec.Struct, gc=False):
    """The answer of `openInterest`, in base units."""

    symbol: str
    amount: NotNegative = msgspec.field(name="openInterest")
    time: TimeMs


class Combined[Event](msgspec.Struct, gc=False):
    """An event as the combined endpoint wraps it."""

    data: Event


class Envelope(msgspec.Struct, gc=False):
    """Whatever the combined endpoint says, by the name of its stream; a raw event has none."""

    stream: str | None = None


class Aggregate[Number](msgspec.Struct):
    """A row of `aggTrades`: fills of one taker at one price."""

    id: Id = msgspec.field(name="a")
    price: Number = msgspec.field(name="p")
    quantity: Number = msgspec.field(name="q")
    first_trade_id: Id = msgspec.field(name="f")
    last_trade_id: Id = msgspec.field(name="l")
    time_ms: TimeMs = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class Symbol(msgspec.Struct):
    """A market in `exchangeInfo`, with the rules of its tick and lot."""

    symbol: str
    filters: list[dict[str, Any]]


class ExchangeInfo(msgspec.Struct):
    """The answer of `exchangeInfo`: one symbol, or all of them, of perpetuals."""

    symbols: list[Symbol]


class ServerTime(msgspec.Struct):
    """The answer of `time`."""

    time_ms: int = msgspec.field(name="serverTime")


class Refusal(msgspec.Struct):
    """What is said instead of an answer."""

    code: int
    message: str = msgspec.field(name="msg")


def wire_symbol(symbol: str) -> str:
    """Return a symbol as the exchange spells it, `BTCUSDT`; SettingsError for a perpetual's."""
    if ":" in symbol:
        raise SettingsError(
            f"{symbol} is a perpetual, and no market of binance: choose binance-usdm, or "
            f"{symbol.partition(':')[0]}"
        )
    return symbol.replace("/", "")
