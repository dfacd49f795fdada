"""The prices predictions are about: mid and last trade at every close of the base timeframe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketstream.tables import Floats, Times


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Mid and last trade's price at closes of the base timeframe, ordered by time."""

    close_time_ms: Times
    mid: Floats
    close: Floats
    base_ms: int


def label_returns(
    decided_ms: Times, prices: Floats, series: PriceSeries, *, horizon_ms: int, latency_ms: int = 0
) -> Floats:
    """Return log(price(t + latency + h) / price(t + latency)) for each decision time t.

    `prices` is `series.mid` or `series.close`. A price counts as of the first base close at or
    after the moment, so latency is never rounded away; the horizon is a time, so where the series
    has a hole at either end the label is NaN, as it is while the end is still to come.
    """
    start = _at(decided_ms + latency_ms, prices, series)
    end = _at(decided_ms + latency_ms + horizon_ms, prices, series)
    return np.log(end / start)


def on_grid(time_ms: int, base_ms: int) -> int:
    """Return the first close of the base timeframe at or after a moment."""
    return -(-time_ms // base_ms) * base_ms


def _at(moments_ms: Times, prices: Floats, series: PriceSeries) -> Floats:
    wanted = -(-moments_ms // series.base_ms) * series.base_ms
    index = np.searchsorted(series.close_time_ms, wanted)
    found = np.full(len(wanted), np.nan)
    inside = index < len(series.close_time_ms)
    exact = inside.copy()
    exact[inside] = series.close_time_ms[index[inside]] == wanted[inside]
    found[exact] = prices[index[exact]]
    return found
