"""Candles of one timeframe as candles of a longer one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marketstream.columns import CandleColumns, Floats
from marketstream.errors import SettingsError
from marketstream.timeframes import timeframe_ms
from technical_indicators.feature_set import FeatureSet


def beside_of(
    feature_set: FeatureSet, finest: str, made_of: Callable[[str], CandleColumns]
) -> list[CandleColumns]:
    """Return the candles of other timeframes that features look at, as far as they can be made.

    `made_of` makes them, of data whose finest candles are of a timeframe.
    """
    can_be = (each for each in feature_set.others if not timeframe_ms(each) % timeframe_ms(finest))
    return [made_of(each) for each in can_be]


def in_longer(candles: CandleColumns, timeframe: str) -> CandleColumns:
    """Return the candles as ones of a longer timeframe; one that lacks a part is incomplete.

    They are told without ids, book and first prints. Raises SettingsError where the timeframe is no
    multiple of the candles' own.
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
    whole = ends - starts == length_ms // step_ms
    open_time_ms = numbers[starts] * length_ms

    def total(name: str) -> Floats:
        return np.add.reduceat(candles.floats(name), starts)

    return CandleColumns(
        timeframe=timeframe,
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + length_ms,
        open=candles.floats("open")[starts],
        high=np.maximum.reduceat(candles.floats("high"), starts),
        low=np.minimum.reduceat(candles.floats("low"), starts),
        close=candles.floats("close")[ends - 1],
        volume=total("volume"),
        quote_volume=total("quote_volume"),
        trade_count=total("trade_count"),
        taker_buy_volume=total("taker_buy_volume"),
        taker_buy_quote_volume=total("taker_buy_quote_volume"),
        complete=whole & np.logical_and.reduceat(candles.complete, starts),
    )
