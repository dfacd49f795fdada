"""Candles as messages, columns and prices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.messages import Candle
from marketstream.timeframes import timeframe_ms
from predictor.training.prices import PriceSeries
from realtime_training.datasets.arrays import CandleArrays

_COLUMNS = ("open", "high", "low", "close", "volume", "taker_buy_volume", "trade_count")


def messages_of(arrays: CandleArrays, market: str, newest: int) -> list[Candle]:
    """Return the newest candles as messages; NaN stays where something is not known."""
    first = max(0, len(arrays) - newest)
    columns = {name: column[first:].tolist() for name, column in arrays.columns.items()}
    for name in ("first_buy", "first_sell"):
        prints = getattr(arrays, name)
        if prints is not None:
            columns[name] = [None if np.isnan(each) else each for each in prints[first:].tolist()]
    times = arrays.open_time_ms[first:].tolist()
    length_ms = timeframe_ms(arrays.timeframe)
    return [
        Candle(
            market=market, timeframe=arrays.timeframe,
            open_time_ms=time_ms, close_time_ms=time_ms + length_ms, complete=complete,
            quote_volume=0.0, taker_buy_quote_volume=0.0,
            **dict(zip(columns, row, strict=True)),
        )
        for time_ms, complete, *row in zip(
            times, arrays.complete[first:].tolist(), *columns.values(), strict=True
        )
    ]  # fmt: skip


def arrays_of(candles: Sequence[Candle], timeframe: str) -> CandleArrays:
    """Return messages of one timeframe as columns, without the book."""
    rows = np.array([[getattr(c, name) for name in _COLUMNS] for c in candles], np.float64)
    columns = np.ascontiguousarray(rows.reshape(len(candles), len(_COLUMNS)).T)
    return CandleArrays(
        timeframe=timeframe,
        open_time_ms=np.array([candle.open_time_ms for candle in candles], np.int64),
        columns=dict(zip(_COLUMNS, columns, strict=True)),
        complete=np.array([candle.complete for candle in candles], np.bool_),
    )


def prices_at(candles: Sequence[Candle], timeframe: str) -> PriceSeries:
    """Return the prices at the closes of candles of the finest timeframe."""
    rows = [(c.close_time_ms, c.mid, c.close, c.first_buy, c.first_sell) for c in candles]
    columns = np.array(rows, np.float64).reshape(len(rows), 5).T  # None becomes NaN
    return PriceSeries(
        close_time_ms=columns[0].astype(np.int64),
        mid=columns[1],
        close=columns[2],
        base_ms=timeframe_ms(timeframe),
        first_buy=columns[3],
        first_sell=columns[4],
    )
