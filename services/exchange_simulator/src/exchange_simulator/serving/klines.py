"""An exchange's own klines: folded from trades with integer sums, flat where nothing traded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange_simulator.market.tape import Integers, TradeColumns

_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
_FIRST_MONDAY_US = 4 * _DAY_US  # 1970-01-05; weeks open on Mondays
_LONGEST_MONTH_US = 31 * _DAY_US

INTERVALS_US = {
    "1s": _SECOND_US,
    **{f"{n}m": n * 60 * _SECOND_US for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 3_600 * _SECOND_US for n in (1, 2, 4, 6, 8, 12)},
    "1d": _DAY_US,
    "3d": 3 * _DAY_US,
    "1w": 7 * _DAY_US,
    "1M": _LONGEST_MONTH_US,  # at most: calendar months
}


class Kline(NamedTuple):
    """One kline over `[open_us, end_us)`; prices in ticks, volumes in lots and ticks times lots."""

    open_us: int
    end_us: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trade_count: int
    taker_buy_volume: int
    taker_buy_quote_volume: int
    first_id: int
    last_id: int

    def merged(self, later: Kline) -> Kline:
        """Return this kline with a later part of the same one folded in."""
        if not later.trade_count:
            return self
        return Kline(
            self.open_us,
            self.end_us,
            self.open if self.trade_count else later.open,
            max(self.high, later.high) if self.trade_count else later.high,
            min(self.low, later.low) if self.trade_count else later.low,
            later.close,
            self.volume + later.volume,
            self.quote_volume + later.quote_volume,
            self.trade_count + later.trade_count,
            self.taker_buy_volume + later.taker_buy_volume,
            self.taker_buy_quote_volume + later.taker_buy_quote_volume,
            self.first_id if self.trade_count else later.first_id,
            later.last_id,
        )


def flat(open_us: int, interval: str, price: int) -> Kline:
    """Return the kline of an interval in which nothing traded, at the last close."""
    end_us = end_of(open_us, interval)
    return Kline(open_us, end_us, price, price, price, price, 0, 0, 0, 0, 0, -1, -1)


def open_of(time_us: int, interval: str) -> int:
    """Return when the interval that holds a time opens."""
    return int(_opens_of(np.array([time_us], np.int64), interval)[0])


def end_of(open_us: int, interval: str) -> int:
    """Return when the interval that opens at `open_us` ends, which is when the next one opens."""
    return open_of(open_us + INTERVALS_US[interval], interval)


def fold(trades: TradeColumns, interval: str) -> list[Kline]:
    """Return the klines of the intervals in which trades, in order of time, happened."""
    if not len(trades.id):
        return []
    opens, first = np.unique(_opens_of(trades.time_us, interval), return_index=True)
    last = np.append(first[1:], len(trades.id)) - 1
    bought = np.where(trades.buyer_is_maker, 0, trades.quantity)
    columns: list[Integers | NDArray[np.object_]] = [
        opens,
        trades.price[first],
        np.maximum.reduceat(trades.price, first),
        np.minimum.reduceat(trades.price, first),
        trades.price[last],
        np.add.reduceat(trades.quantity, first),
        np.add.reduceat(_products(trades.price, trades.quantity), first),
        last - first + 1,
        np.add.reduceat(bought, first),
        np.add.reduceat(_products(trades.price, bought), first),
        trades.id[first],
        trades.id[last],
    ]
    return [
        Kline(open_us, end_of(open_us, interval), *values)
        for open_us, *values in zip(*(column.tolist() for column in columns), strict=True)
    ]


def joined(
    parts: Iterable[Kline], before: int | None, from_us: int, to_us: int, interval: str
) -> list[Kline]:
    """Return a kline for every interval that opens in `[from_us, to_us)`, the silent ones flat.

    `parts` are in order of time and may hold one kline in several pieces; `before` is the last
    price ahead of them. Intervals ahead of the first price of all have no kline.
    """
    by_open: dict[int, Kline] = {}
    for part in parts:
        known = by_open.get(part.open_us)
        by_open[part.open_us] = part if known is None else known.merged(part)
    klines: list[Kline] = []
    open_us = open_of(from_us, interval)
    if open_us < from_us:
        open_us = end_of(open_us, interval)
    while open_us < to_us:
        kline = by_open.get(open_us)
        if kline is None and before is not None:
            kline = flat(open_us, interval, before)
        if kline is not None:
            klines.append(kline)
            before = kline.close
        open_us = end_of(open_us, interval)
    return klines


def _opens_of(times_us: Integers, interval: str) -> Integers:
    if interval == "1M":
        months = times_us.astype("datetime64[us]").astype("datetime64[M]")
        return months.astype("datetime64[us]").astype(np.int64)
    origin = _FIRST_MONDAY_US if interval == "1w" else 0
    return times_us - (times_us - origin) % INTERVALS_US[interval]


def _products(prices: Integers, quantities: Integers) -> Integers | NDArray[np.object_]:
    """Return price times quantity, in Python's own integers where a sum might pass 63 bits."""
    if int(prices.max()) * int(quantities.sum()) < 1 << 63:
        return prices * quantities
    products: NDArray[np.object_] = prices.astype(np.object_) * quantities
    return products
