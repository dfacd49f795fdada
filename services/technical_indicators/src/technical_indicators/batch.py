"""The feature engine over whole columns: what training reads, equal to what was streamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import FeatureTable, Floats, Times
from marketstream.messages import Candle
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import microstructure_columns
from technical_indicators.port import COLUMNS


@dataclass(frozen=True, slots=True)
class CandleColumns:
    """Candles of one timeframe as columns, ordered by open time; NaN is what is not known.

    `columns` has open, high, low, close, volume, taker_buy_volume, trade_count and the book: bid,
    bid_quantity, ask and ask_quantity.
    """

    open_time_ms: Times
    close_time_ms: Times
    complete: NDArray[np.bool_]
    columns: Mapping[str, Floats]


def feature_table(
    candles: Sequence[Candle], base_candles: Sequence[Candle], feature_set: FeatureSet
) -> FeatureTable:
    """Return a row per candle of the timeframe decided on, each with what was known at its close.

    Both sequences are of one market and ordered by open time; base candles reach as far as candles.
    """
    return feature_columns(_columns(candles), _columns(base_candles), feature_set)


def feature_columns(
    candles: CandleColumns, base: CandleColumns, feature_set: FeatureSet
) -> FeatureTable:
    """Return what `feature_table` does, of candles that are columns already."""
    columns, close_time_ms = candles.columns, candles.close_time_ms
    series = [output for indicator in feature_set.indicators for output in indicator.batch(columns)]
    microstructure = microstructure_columns(
        base.columns, base.open_time_ms, base.close_time_ms, feature_set.base, feature_set.spans
    )
    # The row of the last base candle closed by then; a row without one knows nothing of the book.
    known = np.searchsorted(base.close_time_ms, close_time_ms, side="right") - 1
    series += [np.where(known >= 0, column[known], np.nan) for column in microstructure.values()]
    rows = len(close_time_ms)
    return FeatureTable(
        close_time_ms=close_time_ms,
        names=feature_set.names,
        values=np.column_stack(series) if rows else np.empty((0, len(feature_set.names))),
        bid=columns["bid"],
        ask=columns["ask"],
        close=columns["close"],
        complete=candles.complete,
    )


def _columns(candles: Sequence[Candle]) -> CandleColumns:
    rows = [[getattr(candle, name) for name in COLUMNS] for candle in candles]
    table = np.array(rows, np.float64).reshape(len(rows), len(COLUMNS))  # None becomes NaN
    return CandleColumns(
        open_time_ms=np.array([candle.open_time_ms for candle in candles], np.int64),
        close_time_ms=np.array([candle.close_time_ms for candle in candles], np.int64),
        complete=np.array([candle.complete for candle in candles], np.bool_),
        columns={name: np.ascontiguousarray(table[:, index]) for index, name in enumerate(COLUMNS)},
    )
