"""Candles as columns of floats, and the features and prices that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import FeatureTable, Floats, Times
from marketstream.errors import SettingsError
from marketstream.timeframes import timeframe_ms
from predictor.training.prices import PriceSeries
from technical_indicators.batch import CandleColumns, feature_columns
from technical_indicators.feature_set import FeatureSet

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
    """Return a row per candle: a million of them take a second."""
    return feature_columns(_without_book(candles), _without_book(base), feature_set)


def _without_book(candles: CandleArrays) -> CandleColumns:
    unknown = np.full(len(candles), np.nan)
    return CandleColumns(
        open_time_ms=candles.open_time_ms,
        close_time_ms=candles.close_time_ms,
        complete=candles.complete,
        columns={**candles.columns, **dict.fromkeys(_BOOK, unknown)},
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
