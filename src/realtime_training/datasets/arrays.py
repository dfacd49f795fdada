"""Candles as columns of floats, and the features and prices that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import SettingsError
from marketstream.tables import FeatureTable, Floats, Times
from marketstream.timeframes import timeframe_ms
from predictor.prices import PriceSeries
from technical_indicators.feature_set import FeatureSet
from technical_indicators.microstructure import microstructure_columns

type Flags = NDArray[np.bool_]

_BOOK = ("bid", "bid_quantity", "ask", "ask_quantity")


@dataclass(frozen=True, slots=True)
class CandleArrays:
    """Candles of one timeframe, ordered by time; NaN stands for what is not known.

    `columns` has open, high, low, close, volume, taker_buy_volume and trade_count. `first_buy` and
    `first_sell` are those of the candle; None where no sides are known at all.
    """

    timeframe: str
    open_time_ms: Times
    columns: Mapping[str, Floats]
    complete: Flags
    first_buy: Floats | None = None
    first_sell: Floats | None = None

    def __len__(self) -> int:
        return len(self.open_time_ms)

    @property
    def close_time_ms(self) -> Times:
        """The exclusive end of each interval."""
        return self.open_time_ms + timeframe_ms(self.timeframe)


def features_of(candles: CandleArrays, base: CandleArrays, feature_set: FeatureSet) -> FeatureTable:
    """Return what `technical_indicators.batch.feature_table` makes of the same candles.

    It reads columns where that reads messages, so that a million candles take a second.
    """
    series = [
        output
        for indicator in feature_set.indicators
        for output in indicator.batch(candles.columns)
    ]
    unknown = np.full(len(base), np.nan)
    micro = microstructure_columns(
        {**base.columns, **dict.fromkeys(_BOOK, unknown)},
        base.open_time_ms,
        base.close_time_ms,
        feature_set.base,
        feature_set.spans,
    )
    known = np.searchsorted(base.close_time_ms, candles.close_time_ms, side="right") - 1
    series += [np.where(known >= 0, column[known], np.nan) for column in micro.values()]
    nothing = np.full(len(candles), np.nan)
    return FeatureTable(
        close_time_ms=candles.close_time_ms,
        names=feature_set.names,
        values=np.column_stack(series) if len(candles) else np.empty((0, len(feature_set.names))),
        bid=nothing,
        ask=nothing,
        close=candles.columns["close"],
        complete=candles.complete,
    )


def prices_of(base: CandleArrays) -> PriceSeries:
    """Return the prices at the closes of the base candles."""
    return PriceSeries(
        close_time_ms=base.close_time_ms,
        mid=np.full(len(base), np.nan),
        close=base.columns["close"],
        base_ms=timeframe_ms(base.timeframe),
        first_buy=base.first_buy,
        first_sell=base.first_sell,
    )


def in_longer(candles: CandleArrays, timeframe: str) -> CandleArrays:
    """Return the candles as ones of a longer timeframe; one that lacks a part is incomplete.

    Raises SettingsError where the timeframe is no multiple of the candles' own.
    """
    length_ms, step_ms = timeframe_ms(timeframe), timeframe_ms(candles.timeframe)
    if length_ms == step_ms:
        return candles
    if length_ms % step_ms:
        raise SettingsError(
            f"timeframe {timeframe} cannot be made of candles of {candles.timeframe}: "
            "choose a multiple of it"
        )
    numbers = candles.open_time_ms // length_ms
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))
    ends = np.append(starts[1:], len(candles))[: len(starts)]
    columns = candles.columns
    sums = ("volume", "taker_buy_volume", "trade_count")
    whole = ends - starts == length_ms // step_ms
    return CandleArrays(
        timeframe=timeframe,
        open_time_ms=numbers[starts] * length_ms,
        columns={
            "open": columns["open"][starts],
            "high": np.maximum.reduceat(columns["high"], starts),
            "low": np.minimum.reduceat(columns["low"], starts),
            "close": columns["close"][ends - 1],
            **{name: np.add.reduceat(columns[name], starts) for name in sums},
        },
        complete=whole & np.logical_and.reduceat(candles.complete, starts),
    )
