"""The feature engine over whole columns: what training reads, equal to what was streamed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.messages import Candle
from marketstream.tables import FeatureTable, Floats
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import microstructure_columns

_COLUMNS = (
    "open", "high", "low", "close", "volume", "taker_buy_volume", "trade_count",
    "bid", "bid_quantity", "ask", "ask_quantity",
)  # fmt: skip


def feature_table(
    candles: Sequence[Candle], base_candles: Sequence[Candle], feature_set: FeatureSet
) -> FeatureTable:
    """Return a row per candle of the timeframe decided on, each with what was known at its close.

    Both sequences are of one market and ordered by open time; base candles reach as far as candles.
    """
    columns = _columns(candles)
    close_time_ms = np.array([candle.close_time_ms for candle in candles], np.int64)
    series = [output for indicator in feature_set.indicators for output in indicator.batch(columns)]
    base_close_ms = np.array([candle.close_time_ms for candle in base_candles], np.int64)
    base = microstructure_columns(
        _columns(base_candles),
        np.array([candle.open_time_ms for candle in base_candles], np.int64),
        base_close_ms,
        feature_set.base,
        feature_set.spans,
    )
    # The row of the last base candle closed by then; a row without one knows nothing of the book.
    known = np.searchsorted(base_close_ms, close_time_ms, side="right") - 1
    series += [np.where(known >= 0, column[known], np.nan) for column in base.values()]
    return FeatureTable(
        close_time_ms=close_time_ms,
        names=feature_set.names,
        values=np.column_stack(series) if len(candles) else np.empty((0, len(feature_set.names))),
        bid=columns["bid"],
        ask=columns["ask"],
        close=columns["close"],
        complete=np.array([candle.complete for candle in candles], np.bool_),
    )


def _columns(candles: Sequence[Candle]) -> dict[str, Floats]:
    rows = [[getattr(candle, name) for name in _COLUMNS] for candle in candles]
    table = np.array(rows, np.float64).reshape(len(rows), len(_COLUMNS))  # None becomes NaN
    return {name: np.ascontiguousarray(table[:, index]) for index, name in enumerate(_COLUMNS)}
