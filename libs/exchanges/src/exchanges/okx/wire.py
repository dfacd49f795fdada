"""OKX's frames and answers (v5) as structs, and how its instruments are named.

https://www.okx.com/docs-v5/en/
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from exchanges.numbers import NotNegative, Positive, Rate
from marketstream.errors import SettingsError

MOST_SYMBOLS = 100  # a connection: a request to subscribe has 64 kB at most
MOST_TRADES = 100  # an answer
PAST_DAYS = 90  # of trades; candles go back for years
MOST_KLINES = 100
MOST_LEVELS = 400
FEW_LEVELS = 5  # which come whole each time
UNKNOWN_INSTRUMENT = "51001"
TOO_MANY_REQUESTS = "50011"
GOING_AWAY = "64008"
BARS = {
    "1s": "1s", "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H",
    "2h": "2H", "4h": "4H", "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc",
}  # fmt: skip

Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
TimeMs = Annotated[int, msgspec.Meta(ge=1_230_768_000_000, lt=4_102_444_800_000)]  # 2009 to 2099


class Arg(msgspec.Struct, gc=False):
    """What was subscribed to."""

    channel: str
    instrument: str = msgspec.field(name="instId", default="")


class Trade(msgspec.Struct, gc=False):
    """Fills of one taker at one price, `count` of them: the last has this id; or one of the past.

    `side` is the taker's. Sizes of spot markets are in base units, of swaps in contracts.
    """

    instrument: str = msgspec.field(name="instId")
    id: Number = msgspec.field(name="tradeId")
    price: Positive = msgspec.field(name="px")
    size: Positive = msgspec.field(name="sz")
    side: Literal["buy", "sell"]
    time_ms: TimeMs = msgspec.field(name="ts")
    count: Annotated[int, msgspec.Meta(gt=0)] = 1


class Level(msgspec.Struct, array_like=True, gc=False):
    """Price, size, and what nobody needs; a size of 0 says that a price is gone."""

    price: Positive
    size: NotNegative


class Book(msgspec.Struct, gc=False):
    """Levels of a book, or changes of them, and the number of the message that they follow on."""

    bids: list[Level]
    asks: list[Level]
    time_ms: TimeMs = msgspec.field(name="ts")
    sequence: Number | None = msgspec.field(name="seqId", default=None)
    follows: int | None = msgspec.field(name="prevSeqId", default=None)
    checksum: int | None = None


class Mark(msgspec.Struct, gc=False):
    """The mark price of a swap."""

    instrument: str = msgspec.field(name="instId")
    price: Positive = msgspec.field(name="markPx")
    time_ms: TimeMs = msgspec.field(name="ts")


class Index(msgspec.Struct, gc=False):
    """The price of an index, which is named like a spot market."""

    instrument: str = msgspec.field(name="instId")
    price: Positive = msgspec.field(name="idxPx")
    time_ms: TimeMs = msgspec.field(name="ts")


class Funding(msgspec.Struct, gc=False):
    """The rate that is due at `due_ms`."""

    instrument: str = msgspec.field(name="instId")
    rate: Rate = msgspec.field(name="fundingRate")
    due_ms: TimeMs = msgspec.field(name="fundingTime")
    time_ms: TimeMs = msgspec.field(name="ts")


class OpenInterest(msgspec.Struct, gc=False):
    """Open contracts."""

    instrument: str = msgspec.field(name="instId")
    contracts: NotNegative = msgspec.field(name="oi")
    time_ms: TimeMs = msgspec.field(name="ts")


class Liquidation(msgspec.Struct, gc=False):
    """An order that closed a position by force; the size is in contracts."""

    side: Literal["buy", "sell"]
    price: Positive = msgspec.field(name="bkPx")
    size: Positive = msgspec.field(name="sz")
    time_ms: TimeMs = msgspec.field(name="ts")


class Liquidations(msgspec.Struct, gc=False):
    """Those of one swap; the channel has all swaps."""

    instrument: str = msgspec.field(name="instId")
    details: list[Liquidation]


class Push[Of](msgspec.Struct, gc=False):
    """What a channel says; `action` is of books of which changes come."""

    data: list[Of]
    action: Literal["snapshot", "update"] = "snapshot"


class Envelope(msgspec.Struct, gc=False):
    """Any frame: of a channel, or about the connection."""

    arg: Arg | None = None
    event: str | None = None
    code: str = ""
    message: str = msgspec.field(name="msg", default="")


class Answer(msgspec.Struct):
    """An answer of the REST API; where it is a refusal there are no rows."""

    code: str
    message: str = msgspec.field(name="msg")
    data: msgspec.Raw = msgspec.Raw(b"[]")


class Candle(msgspec.Struct, array_like=True):
    """A row of candles; `contracts` is in base units too where the market is no swap."""

    open_time_ms: TimeMs
    open: str
    high: str
    low: str
    close: str
    contracts: str
    currency: str
    quote_volume: str


class Instrument(msgspec.Struct):
    """A market; a contract is worth `value` times `multiplier` in `value_currency`."""

    name: str = msgspec.field(name="instId")
    tick: str = msgspec.field(name="tickSz")
    lot: str = msgspec.field(name="lotSz")
    value: str = msgspec.field(name="ctVal", default="")
    multiplier: str = msgspec.field(name="ctMult", default="")
    value_currency: str = msgspec.field(name="ctValCcy", default="")


class Clock(msgspec.Struct):
    """The row of `/api/v5/public/time`."""

    time_ms: TimeMs = msgspec.field(name="ts")


def spot_instrument(symbol: str) -> str:
    """Return a symbol as the exchange spells it: `BTC-USDT`; SettingsError if no spot market."""
    if ":" in symbol:
        raise SettingsError(f"{symbol} is no spot market: write it like BTC/USDT")
    return symbol.replace("/", "-")


def swap_instrument(symbol: str) -> str:
    """Return a perpetual as the exchange spells it: `BTC-USDT-SWAP`; SettingsError if it is none.

    Perpetuals settled in their base are none of ours: their contracts are worth so many dollars.
    """
    pair, _, settled_in = symbol.partition(":")
    if settled_in != pair.partition("/")[2]:
        raise SettingsError(
            f"{symbol} is no perpetual settled in what it is quoted in: write it like BTC/USDT:USDT"
        )
    return f"{pair.replace('/', '-')}-SWAP"
