"""The messages that move between services, and the parts they are made of.

Every message is an immutable record with a natural identity (`identity`), so that a second writing
of the same one can be recognised. Times are integers in UTC with their unit in the name. A market
is written `exchange:SYMBOL`, for example `binance:BTC/USDT`, and is the key of every message.
"""

from __future__ import annotations

from typing import Literal

import msgspec

type Side = Literal["buy", "sell"]
type CandleState = Literal["forming", "closed"]
type Role = Literal["champion", "challenger"]
type Direction = Literal["up", "down", "abstain"]
type Answer = Literal["up", "down", "none"]
type Verdict = Literal["right", "wrong", "flat", "abstained"]


class Trade(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One fill: exchange id, price in quote units, quantity in base units, who took, and when.

    History may come aggregated: then it is `count` fills of one taker at one price, the last of
    them with this id, the others with the ids just before.
    """

    id: int
    price: float
    quantity: float
    taker: Side
    time_us: int
    count: int = 1


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask with their sizes (base units), as of `time_us` of exchange time.

    `estimated` says that the exchange sent no time and the edge gave the quote one.
    """

    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    time_us: int
    estimated: bool = False

    @property
    def mid(self) -> float:
        """The middle between best bid and best ask."""
        return (self.bid + self.ask) / 2


class Trades(msgspec.Struct, frozen=True):
    """What one socket read brought for one market: trades, the newest quote, how far time is seen.

    Every trade before `seen_until_us` (exclusive) has been seen; `proven` where the exchange itself
    said so. A heartbeat is one without trades. `price_decimals` and `quantity_decimals` are the
    market's tick and lot as powers of ten, so that sums can be kept in whole units.
    """

    market: str
    trades: tuple[Trade, ...]
    quote: Quote | None
    seen_until_us: int
    price_decimals: int = 8
    quantity_decimals: int = 8
    proven: bool = False

    @property
    def identity(self) -> tuple[str, int, int]:
        """Market, first trade id (or -1) and how far time was seen."""
        first = self.trades[0].id if self.trades else -1
        return (self.market, first, self.seen_until_us)


class Candle(msgspec.Struct, frozen=True):
    """OHLCV over `[open_time_ms, close_time_ms)` with the book as of the close.

    Volumes are in base units, quote volumes in quote units. A candle in which nothing traded has
    `trade_count` 0 and the last close as its four prices. `first_buy` and `first_sell` are the
    first prices at which a taker bought and sold in it. The highest revision wins.

    The certificate: first and last trade id; `expected_count`, the trades there must have been by
    their ids, counting each missing one that may belong here, or None where nobody was watching
    when the interval began; `complete`, that this equals `trade_count`; `filled`, that missing
    trades have come since; `late_count`, the trades that came after the close.
    """

    market: str
    timeframe: str
    open_time_ms: int
    close_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trade_count: int
    taker_buy_volume: float
    taker_buy_quote_volume: float
    bid: float | None = None
    bid_quantity: float | None = None
    ask: float | None = None
    ask_quantity: float | None = None
    first_buy: float | None = None
    first_sell: float | None = None
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    state: CandleState = "closed"
    revision: int = 0
    complete: bool = True
    filled: bool = False
    expected_count: int | None = None
    late_count: int = 0

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and open time."""
        return (self.market, self.timeframe, self.open_time_ms)

    @property
    def mid(self) -> float | None:
        """The middle of the book as of the close, where there was a book."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


class Features(msgspec.Struct, frozen=True):
    """The feature vector as of `close_time_ms`: name to number, None while warming up.

    Timeframes finer than the one decided on carry prices only (`values` is empty): outcomes and
    labels are measured on them. `forming` says that the candle has not closed yet: it shows how
    things stand, and neither outcomes nor labels nor training may use it.
    """

    market: str
    timeframe: str
    close_time_ms: int
    values: dict[str, float | None]
    bid: float | None
    ask: float | None
    close: float
    feature_set: str
    complete: bool = True
    first_buy: float | None = None
    first_sell: float | None = None
    forming: bool = False

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """Market, timeframe, close time and version of the feature set."""
        return (self.market, self.timeframe, self.close_time_ms, self.feature_set)

    @property
    def mid(self) -> float | None:
        """The middle of the book as of the close, where there was a book."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2


class Prediction(msgspec.Struct, frozen=True):
    """What a model said at a close about the mid `horizon_ms` after the decision takes effect.

    `answers` holds what the baselines and reference models said on the same row. `low` and `high`
    bound the price at `level`. The first writing of an identity wins. A `preview` says what would
    be predicted if the candle closed as it stands: it is shown, never stored and never scored.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: Role
    model_name: str
    model_version: str
    label_latency_ms: int
    values: dict[str, float | None]
    mid: float
    close: float
    expected_return: float
    predicted_price: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: Direction
    reason: str | None
    answers: dict[str, Answer]
    preview: bool = False

    @property
    def identity(self) -> tuple[str, str, int, int, str, str]:
        """Market, timeframe, close time, horizon, role and model version."""
        return (
            self.market,
            self.timeframe,
            self.close_time_ms,
            self.horizon_ms,
            self.role,
            self.model_version,
        )

    @property
    def id(self) -> str:
        """The identity as one string, for URLs and people."""
        return ":".join(str(part) for part in self.identity)

    @property
    def for_ms(self) -> int:
        """The moment the prediction is about."""
        return self.close_time_ms + self.label_latency_ms + self.horizon_ms


class Outcome(msgspec.Struct, frozen=True):
    """What came of a prediction, fixed once.

    `realised_return` is the log return of the mid from the moment the prediction took effect to its
    horizon, `close_return` that of the last trade's price, for comparison only. `baselines` holds
    right, wrong or flat for every answer given on the same row.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: Role
    model_version: str
    realised_mid: float
    realised_return: float
    close_return: float
    verdict: Verdict
    close_verdict: Verdict
    inside: bool
    baselines: dict[str, Verdict]

    @property
    def identity(self) -> tuple[str, str, int, int, str, str]:
        """The identity of the prediction it belongs to."""
        return (
            self.market,
            self.timeframe,
            self.close_time_ms,
            self.horizon_ms,
            self.role,
            self.model_version,
        )


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be used: the raw bytes, where it came from, and why."""

    source: str
    raw: bytes
    reason: str
    received_us: int

    @property
    def identity(self) -> tuple[str, bytes, int]:
        """Where it came from, its bytes and when."""
        return (self.source, self.raw, self.received_us)


type Message = Trades | Candle | Features | Prediction | Outcome | DeadLetter
