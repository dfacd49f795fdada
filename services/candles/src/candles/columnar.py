"""Folds whole columns of trades into candles: for history, equal to the streaming aggregator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marketstream.columns import CandleColumns, Flags, Integers, Units
from marketstream.errors import InputError
from marketstream.readers.losses import overlapping
from marketstream.readers.numberings import by_id
from marketstream.readers.table import TradeTable, in_order
from marketstream.timeframes import timeframe_ms

_LARGEST = 2**63 - 1
_MOST_CANDLES = 50_000_000


def fold(
    trades: TradeTable, timeframe: str, *, consecutive_ids: bool, fill: bool = True
) -> CandleColumns:
    """Return the candles of the intervals from the first trade's to the last one's.

    The first and the last are not complete: the trades may have begun before the data and go on
    after it. With `consecutive_ids` neither are those that a missing id lies in or between, without
    them those in which a row of the files that could not be used may have been traded. `fill` gives
    intervals without trades a flat candle. Raises InputError where that makes too many.
    """
    trades = in_order(trades)
    length_us = timeframe_ms(timeframe) * 1_000
    starts, intervals = _intervals(trades.time_us, length_us)
    complete, joined = certify(trades, starts, consecutive_ids=consecutive_ids)
    complete[:1] = complete[-1:] = False
    times_ms = intervals * (length_us // 1_000), (intervals + 1) * (length_us // 1_000)
    candles = fold_rows(trades, timeframe, starts, times_ms, complete)
    candles = _filled(candles, joined) if fill else candles
    if not trades.consecutive and len(trades.lost_us):  # else ids say what is missing
        opened, closed = candles.open_time_ms * 1_000, candles.close_time_ms * 1_000
        complete = candles.complete & ~overlapping(opened, closed, trades.lost_us)
        return replace(candles, complete=complete)
    return candles


def fold_rows(
    trades: TradeTable,
    timeframe: str,
    starts: Integers,
    times_ms: tuple[Integers, Integers],
    complete: Flags,
) -> CandleColumns:
    """Return a candle of the rows from each of `starts` to the next, with open and close times.

    Sums are int64 where that is proven to hold them, else Python's integers.
    """
    price, quantity, ids = trades.price, trades.quantity, trades.ids
    ends = np.append(starts[1:], len(trades))[: len(starts)]
    bought = quantity * (trades.taker > 0)
    volume = _sums(quantity, starts, _most(ends - starts) * _most(quantity))
    most = _most(volume) * _most(price)  # no quote volume is more
    wide = most > _LARGEST
    exact_price: Units = price.astype(object) if wide else price
    return CandleColumns(
        timeframe=timeframe,
        open_time_ms=times_ms[0],
        close_time_ms=times_ms[1],
        open=price[starts],
        high=np.maximum.reduceat(price, starts),
        low=np.minimum.reduceat(price, starts),
        close=price[ends - 1],
        volume=volume,
        quote_volume=_sums(exact_price * quantity, starts, most),
        trade_count=np.add.reduceat(trades.count, starts),
        taker_buy_volume=_sums(bought, starts, _most(volume)),
        taker_buy_quote_volume=_sums(exact_price * bought, starts, most),
        first_trade_id=None if ids is None else np.minimum.reduceat(ids - trades.count + 1, starts),
        last_trade_id=None if ids is None else np.maximum.reduceat(ids, starts),
        complete=complete,
        price_decimals=trades.price_decimals,
        quantity_decimals=trades.quantity_decimals,
    )


def certify(trades: TradeTable, starts: Integers, *, consecutive_ids: bool) -> tuple[Flags, Flags]:
    """Say of each group of rows whether no id is missing in it, and of each whether the next joins.

    An id that is missing between two trades may belong to the group of either, or to one between;
    ids that are known to be no trades are not missing. Where ids begin again nobody can say what
    is missing between the two numberings.
    """
    complete = np.ones(len(starts), np.bool_)
    joined = np.ones(len(starts), np.bool_)
    if not consecutive_ids or trades.ids is None:
        return complete, joined
    ids, count, rows = trades.ids, trades.count, None
    if np.any(ids[1:] < ids[:-1]):
        rows = by_id(ids, trades.epochs)
        ids, count = ids[rows], count[rows]
    steps = ids[1:] - count[1:]
    if len(trades.passed_ids):
        steps = steps - np.diff(np.searchsorted(trades.passed_ids, ids))
    is_missing = steps != ids[:-1]
    if trades.epochs is not None:
        epochs = trades.epochs if rows is None else trades.epochs[rows]
        is_missing |= epochs[1:] != epochs[:-1]
    before = np.flatnonzero(is_missing)
    after = before + 1
    if rows is not None:
        before, after = rows[before], rows[after]
    one = np.searchsorted(starts, before, side="right") - 1
    other = np.searchsorted(starts, after, side="right") - 1
    first, last = np.minimum(one, other), np.maximum(one, other)
    complete &= _untouched(first, last + 1, len(starts))
    joined &= _untouched(first, last, len(starts))
    return complete, joined


def _intervals(time_us: Integers, length_us: int) -> tuple[Integers, Integers]:
    """Return where each interval with trades starts among the rows, and its number since 1970."""
    numbers = time_us // length_us
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
    return starts, numbers[starts]


def _most(values: Units) -> int:
    return int(np.max(values, initial=0))


def _sums(values: Units, starts: Integers, most: int) -> Units:
    """Add up each group of rows; no sum is more than `most`."""
    if most > _LARGEST:
        values = values.astype(object)
    sums: Units = np.add.reduceat(values, starts)
    return sums


def _untouched(first: Integers, end: Integers, length: int) -> Flags:
    """Say which of `length` places lie in none of the half-open ranges."""
    touched = np.zeros(length + 1, np.int64)
    np.add.at(touched, first, 1)
    np.add.at(touched, end, -1)
    return np.asarray(np.cumsum(touched[:-1]) == 0)


def _filled(candles: CandleColumns, joined: Flags) -> CandleColumns:
    """Add a flat candle for each interval without trades; complete where its neighbours join."""
    if not len(candles):
        return candles
    length_ms = int(candles.close_time_ms[0] - candles.open_time_ms[0])
    first_ms, last_ms = int(candles.open_time_ms[0]), int(candles.open_time_ms[-1])
    if (last_ms - first_ms) // length_ms >= _MOST_CANDLES:
        raise InputError(
            f"the trades span {(last_ms - first_ms) // length_ms:,} intervals: choose a longer "
            "timeframe, or leave empty ones out with --no-fill; perhaps a time is wrong"
        )
    open_time_ms = np.arange(first_ms, last_ms + 1, length_ms)
    if len(open_time_ms) == len(candles):
        return candles
    before = np.searchsorted(candles.open_time_ms, open_time_ms, side="right") - 1
    flat = candles.open_time_ms[before] != open_time_ms
    close = candles.close[before]

    def price(column: Integers) -> Integers:
        return np.where(flat, close, column[before])

    def total(column: Units) -> Units:
        return np.where(flat, 0, column[before])

    def trade_id(column: Integers | None) -> Integers | None:
        return None if column is None else np.where(flat, -1, column[before])

    return replace(
        candles,
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + length_ms,
        open=price(candles.open),
        high=price(candles.high),
        low=price(candles.low),
        close=close,
        volume=total(candles.volume),
        quote_volume=total(candles.quote_volume),
        trade_count=total(candles.trade_count),
        taker_buy_volume=total(candles.taker_buy_volume),
        taker_buy_quote_volume=total(candles.taker_buy_quote_volume),
        first_trade_id=trade_id(candles.first_trade_id),
        last_trade_id=trade_id(candles.last_trade_id),
        complete=np.where(flat, joined[before], candles.complete[before]),
    )
