"""The feature engine over whole columns: what training reads, equal to what was streamed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import CandleColumns, FeatureTable, Floats
from marketstream.messages import Candle
from technical_indicators.base_columns import BaseColumns, base_columns_of
from technical_indicators.feature_set import FeatureSet
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_indicator import LeaderIndicator
from technical_indicators.microstructure import microstructure_columns
from technical_indicators.port import COLUMNS

_BLOCK = 4_096  # rows of all columns that fit into a cache together


def feature_table(
    candles: Sequence[Candle],
    base_candles: Sequence[Candle],
    feature_set: FeatureSet,
    leaders: Sequence[Sequence[Candle]] = (),
    beside: Sequence[Sequence[Candle]] = (),
) -> FeatureTable:
    """Return a row per candle of the timeframe decided on, each with what was known at its close.

    Both sequences are of one market and ordered by open time; base candles reach as far as candles.
    `leaders` are the base candles of the markets that it looks at, `beside` the market's candles of
    other timeframes.
    """
    return feature_columns(
        CandleColumns.of(candles, feature_set.timeframe),
        CandleColumns.of(base_candles, feature_set.base),
        feature_set,
        [CandleColumns.of(each, feature_set.base) for each in leaders],
        [CandleColumns.of(each, each[0].timeframe) for each in beside if each],
    )


def feature_columns(
    candles: CandleColumns,
    base: CandleColumns,
    feature_set: FeatureSet,
    leaders: Sequence[CandleColumns] = (),
    beside: Sequence[CandleColumns] = (),
) -> FeatureTable:
    """Return what `feature_table` does, of columns: a million candles take a second."""
    columns, base_columns = (
        {name: each.floats(name) for name in COLUMNS} for each in (candles, base)
    )
    close_time_ms = candles.close_time_ms
    series = [output for indicator in feature_set.indicators for output in indicator.batch(columns)]
    of_base = list(
        microstructure_columns(
            base_columns, base.open_time_ms, base.close_time_ms, feature_set.base, feature_set.spans
        ).values()
    )
    if feature_set.of_base:
        shared = BaseColumns(base_columns_of(base))
        of_base += [indicator.series(shared) for indicator in feature_set.of_base]
    # The row of the last base candle closed by then; a row without one knows nothing of the book.
    known = np.searchsorted(base.close_time_ms, close_time_ms, side="right") - 1
    series += [np.where(known >= 0, column[known], np.nan) for column in of_base]
    by_timeframe = {each.timeframe: each for each in (*beside, base, candles)}
    for other in feature_set.beside:
        series += other.columnar(by_timeframe.get(other.timeframe), close_time_ms)
    # Of leaders nothing is known but as of the very close.
    same = (known >= 0) & (base.close_time_ms[known] == close_time_ms)
    series += [
        np.where(same, column[known], np.nan)
        for column in _of_leaders(base, leaders, feature_set.of_leaders)
    ]
    rows = len(close_time_ms)
    return FeatureTable(
        close_time_ms=close_time_ms,
        names=feature_set.names,
        values=_side_by_side(series, rows),
        bid=columns["bid"],
        ask=columns["ask"],
        close=columns["close"],
        complete=candles.complete,
    )


def _of_leaders(
    base: CandleColumns, leaders: Sequence[CandleColumns], indicators: Sequence[LeaderIndicator]
) -> list[Floats]:
    """Return the features of leaders as of each base close, NaN of those that are not there."""
    pairs = [PairColumns(base, leader) for leader in leaders] if indicators else []
    unknown = np.full(len(base), np.nan)
    return [
        each.series(pairs[each.number]) if each.number < len(pairs) else unknown
        for each in indicators
    ]


def _side_by_side(series: Sequence[Floats], rows: int) -> Floats:
    """Return columns as a table, a block of rows after the other: all at once takes thrice as long.

    Column by column, every line of memory is fetched and written once for each column.
    """
    values = np.empty((rows, len(series)))
    for start in range(0, rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        np.stack([each[block] for each in series], axis=1, out=values[block])
    return values
