"""Candles, features and prices as columns: what history is read into and training reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from marketstream.messages import Candle, Context, Features
from marketstream.timeframes import timeframe_ms

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Times = NDArray[np.int64]
type Flags = NDArray[np.bool_]
type Units = NDArray[Any]
"""Exact: whole units of the last decimal, in int64 or in Python's integers; or plain floats."""

_UNITS = {  # how often the decimals of a price, and how often those of a quantity
    **dict.fromkeys(("open", "high", "low", "close"), (1, 0)),
    **dict.fromkeys(("volume", "taker_buy_volume"), (0, 1)),
    **dict.fromkeys(("quote_volume", "taker_buy_quote_volume"), (1, 1)),
    "trade_count": (0, 0),
}
CANDLE_COLUMNS = tuple(_UNITS)
"""What is there of every candle, beside its times."""
_WHERE_KNOWN = ("bid", "bid_quantity", "ask", "ask_quantity", "first_buy", "first_sell")

CONTEXT_COLUMNS = (
    "mark", "mark_time_us", "index", "index_time_us", "funding_rate", "funding_time_us",
    "next_funding_us", "open_interest", "open_interest_time_us", "liquidated_bought",
    "liquidated_sold", "liquidated_since_us", "liquidated_time_us",
)  # fmt: skip
"""What is known of a perpetual as of a close: see `Context`, whose times are whole in a float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleColumns:
    """Candles of one market in order of time, each column as in the message `Candle`.

    `timeframe` is that of all, or the rule of bars. Prices and sums are exact where they are
    integers: whole units of the last of their decimals; where they are floats they are the numbers
    themselves, NaN what is not known. Ids are None where the trades have none, and -1 in a candle
    in which nothing traded; the book and the first prints are None where there are none at all.
    `depth[row, level]` is bid, bid quantity, ask and ask quantity of a level, the best one first,
    NaN where that is not known; `depth_time_us` is the exchange's time of it. `context[row]` is
    what is known of a perpetual, in the order of `CONTEXT_COLUMNS`, NaN what is not.
    """

    timeframe: str
    open_time_ms: Times
    close_time_ms: Times
    open: Units
    high: Units
    low: Units
    close: Units
    volume: Units
    quote_volume: Units
    trade_count: Units
    taker_buy_volume: Units
    taker_buy_quote_volume: Units
    complete: Flags
    price_decimals: int = 0
    quantity_decimals: int = 0
    first_trade_id: Integers | None = None
    last_trade_id: Integers | None = None
    bid: Floats | None = None
    bid_quantity: Floats | None = None
    ask: Floats | None = None
    ask_quantity: Floats | None = None
    first_buy: Floats | None = None
    first_sell: Floats | None = None
    depth: Floats | None = None
    depth_time_us: Floats | None = None
    context: Floats | None = None

    def __len__(self) -> int:
        return len(self.open_time_ms)

    @property
    def mid(self) -> Floats:
        """The middle of the book as of each close, NaN where there was none."""
        return (self.floats("bid") + self.floats("ask")) / 2

    def decimals(self, name: str) -> int:
        """Return the decimals of a column's whole units."""
        of_price, of_quantity = _UNITS[name]
        return of_price * self.price_decimals + of_quantity * self.quantity_decimals

    def floats(self, name: str) -> Floats:
        """Return a column as the nearest floats, NaN where it is not known."""
        column: Units | None = getattr(self, name)
        if column is None:
            return np.full(len(self), np.nan)
        return column if column.dtype == np.float64 else to_floats(column, self.decimals(name))

    def rows(self, chosen: slice | Flags) -> Self:
        """Return some of the rows."""
        return _chosen(self, chosen)

    @classmethod
    def of(cls, candles: Sequence[Candle], timeframe: str) -> Self:
        """Return messages of one market and timeframe as columns of floats, without their ids."""
        columns: dict[str, Any] = {  # None becomes NaN
            name: np.array([*map(attrgetter(name), candles)], np.float64)
            for name in (*CANDLE_COLUMNS, *_WHERE_KNOWN)
        }
        return cls(
            timeframe=timeframe,
            open_time_ms=np.array([candle.open_time_ms for candle in candles], np.int64),
            close_time_ms=np.array([candle.close_time_ms for candle in candles], np.int64),
            complete=np.array([candle.is_whole for candle in candles], np.bool_),
            depth=_depth_of(candles),
            depth_time_us=_depth_times_of(candles),
            context=_context_of(candles),
            **columns,
        )


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Mid and last trade's price at closes of the base timeframe, ordered by time.

    `first_buy` and `first_sell` are the first prices at which takers bought and sold in the base
    interval that ends then, NaN where none did; None where they are not known at all.
    """

    close_time_ms: Times
    mid: Floats
    close: Floats
    base_ms: int
    first_buy: Floats | None = None
    first_sell: Floats | None = None

    def rows(self, chosen: slice | Flags) -> Self:
        """Return some of the closes."""
        return _chosen(self, chosen)

    @classmethod
    def of(cls, candles: CandleColumns) -> Self:
        """Return the prices at the closes of candles of the base timeframe."""
        return cls(
            close_time_ms=candles.close_time_ms,
            mid=candles.mid,
            close=candles.floats("close"),
            base_ms=timeframe_ms(candles.timeframe),
            first_buy=candles.first_buy,
            first_sell=candles.first_sell,
        )


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Rows of one market and timeframe, ordered by close time; NaN stands for None.

    `values` has one row per close and one column per name in `names`.
    """

    close_time_ms: Times
    names: tuple[str, ...]
    values: Floats
    bid: Floats
    ask: Floats
    close: Floats
    complete: Flags

    def __len__(self) -> int:
        return len(self.close_time_ms)

    @property
    def mid(self) -> Floats:
        """The middle of the book as of each close."""
        return (self.bid + self.ask) / 2

    def columns(self, names: Sequence[str]) -> Floats:
        """Return the columns of these names, in this order."""
        return self.values[:, [self.names.index(name) for name in names]]

    def rows(self, chosen: slice | Flags) -> Self:
        """Return some of the rows."""
        return _chosen(self, chosen)

    @classmethod
    def of(cls, messages: Sequence[Features]) -> Self:
        """Return messages of one market and timeframe as columns."""
        names = tuple(messages[-1].values) if messages else ()
        values = [[number(m.values.get(name)) for name in names] for m in messages]
        return cls(
            close_time_ms=np.array([m.close_time_ms for m in messages], np.int64),
            names=names,
            values=np.array(values, np.float64).reshape(len(messages), len(names)),
            bid=np.array([number(m.bid) for m in messages], np.float64),
            ask=np.array([number(m.ask) for m in messages], np.float64),
            close=np.array([m.close for m in messages], np.float64),
            complete=np.array([m.complete for m in messages], np.bool_),
        )


def _depth_of(candles: Sequence[Candle]) -> Floats | None:
    """Return as many levels as the deepest book has; None where no candle has a book."""
    books = [(row, candle.depth) for row, candle in enumerate(candles) if candle.depth is not None]
    if not books:
        return None
    most = max(max(len(book.bids), len(book.asks)) for _, book in books)
    depth = np.full((len(candles), most, 4), np.nan)
    for row, book in books:
        depth[row, : len(book.bids), :2] = book.bids
        depth[row, : len(book.asks), 2:] = book.asks
    return depth


def _depth_times_of(candles: Sequence[Candle]) -> Floats | None:
    """Return when each book was, NaN where a candle has none; None where no candle has one."""
    times = [np.nan if candle.depth is None else candle.depth.time_us for candle in candles]
    return None if all(candle.depth is None for candle in candles) else np.array(times, np.float64)


def _context_of(candles: Sequence[Candle]) -> Floats | None:
    """Return what is known of a perpetual at each close; None where nothing ever is."""
    if all(candle.context is None for candle in candles):
        return None
    nothing = (None,) * len(CONTEXT_COLUMNS)
    rows = [nothing if one.context is None else _values_of(one.context) for one in candles]
    return np.array(rows, np.float64)  # None becomes NaN


def _values_of(context: Context) -> tuple[float | None, ...]:
    mark, index, funding = context.mark, context.index, context.funding
    interest, sums = context.open_interest, context.liquidations
    return (
        *((None, None) if mark is None else (mark.value, mark.time_us)),
        *((None, None) if index is None else (index.value, index.time_us)),
        *(
            (None, None, None)
            if funding is None
            else (funding.rate, funding.time_us, funding.next_us)
        ),
        *((None, None) if interest is None else (interest.value, interest.time_us)),
        *(
            (None, None, None, None)
            if sums is None
            else (sums.bought, sums.sold, sums.since_us, sums.time_us)
        ),
    )


def number(value: float | None) -> float:
    """Return a value as columns have it: NaN where it is not known."""
    return float("nan") if value is None else value


def to_floats(units: Units, decimals: int) -> Floats:
    """Return whole units of 10**-decimals as the nearest floats."""
    scale = 10**decimals
    if units.dtype != object and decimals <= 22 and int(np.max(units, initial=0)) < 2**53:
        return np.asarray(units / float(scale), np.float64)  # both are exact, so is the rounding
    return np.array([int(value) / scale for value in units], np.float64)


def _chosen[Columns: CandleColumns | PriceSeries | FeatureTable](
    columns: Columns, rows: slice | Flags
) -> Columns:
    held: dict[str, Any] = {field.name: getattr(columns, field.name) for field in fields(columns)}
    arrays: dict[str, Any] = {
        name: each[rows] for name, each in held.items() if isinstance(each, np.ndarray)
    }
    return replace(columns, **arrays)
