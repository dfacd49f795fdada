"""The feature engine over whole columns: what training reads, equal to what was streamed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import CandleColumns, FeatureTable
from marketstream.messages import Candle
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import microstructure_columns
from technical_indicators.port import COLUMNS


def feature_table(
    candles: Sequence[Candle], base_candles: Sequence[Candle], feature_set: FeatureSet
) -> FeatureTable:
    """Return a row per candle of the timeframe decided on, each with what was known at its close.

    Both sequences are of one market and ordered by open time; base candles reach as far as candles.
    """
    return feature_columns(
        CandleColumns.of(candles, feature_set.timeframe),
        CandleColumns.of(base_candles, feature_set.base),
        feature_set,
    )


def feature_columns(
    candles: CandleColumns, base: CandleColumns, feature_set: FeatureSet
) -> FeatureTable:
    """Return what `feature_table` does, of columns: a million candles take a second."""
    columns, base_columns = (
        {name: each.floats(name) for name in COLUMNS} for each in (candles, base)
    )
    close_time_ms = candles.close_time_ms
    series = [output for indicator in feature_set.indicators for output in indicator.batch(columns)]
    microstructure = microstructure_columns(
        base_columns, base.open_time_ms, base.close_time_ms, feature_set.base, feature_set.spans
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
