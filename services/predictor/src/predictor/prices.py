"""The prices predictions are about, at every close of the base timeframe.

The mid of the book is the price. Where there was no book, the fair mid stands in for it: the
geometric mean of the next price at which a taker buys and the next at which one sells. It is made
of later prints alone, since a mid of the last ones is stale and looks predictable where nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from marketstream.tables import Floats, Times

type Label = Literal["mid", "fair", "close"]


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Mid and last trade's price at closes of the base timeframe, ordered by time.

    `first_buy` and `first_sell` are the first prices at which takers bought and sold in the base
    interval that ends then, NaN where none did; None where they are not known at all.
    """

    close_time_ms: Times
    mid: Floats
    close: Floats
    base_ms: int
    first_buy: Floats | None = None
    first_sell: Floats | None = None

    def of(self, label: Label) -> Floats:
        """Return the prices that a label is about."""
        if label == "fair":
            return self._fair()
        return self.mid if label == "mid" else self.close

    def _fair(self) -> Floats:
        """Return the fair mid as of each close, NaN where a print is still to come."""
        if self.first_buy is None or self.first_sell is None:
            return np.full(len(self.close_time_ms), np.nan)
        return np.sqrt(self._next(self.first_buy) * self._next(self.first_sell))

    def _next(self, prints: Floats) -> Floats:
        """Return for each close the first print after it, NaN across a hole in time."""
        rows = np.arange(len(prints))
        known = np.where(np.isfinite(prints), rows, len(prints))
        after = np.append(np.minimum.accumulate(known[::-1])[::-1], len(prints))[1:]
        found = np.full(len(prints), np.nan)
        there = after < len(prints)
        passed_ms = self.close_time_ms[after[there]] - self.close_time_ms[there]
        whole = passed_ms == (after - rows)[there] * self.base_ms
        found[there] = np.where(whole, prints[after[there]], np.nan)
        return found


def label_returns(
    decided_ms: Times, prices: Floats, series: PriceSeries, *, horizon_ms: int, latency_ms: int = 0
) -> Floats:
    """Return log(price(t + latency + h) / price(t + latency)) for each decision time t.

    `prices` is one of the series' own (`series.of(label)`). A price counts as of the first base
    close at or after the moment, so latency is never rounded away; the horizon is a time, so where
    the series has a hole at either end the label is NaN, as it is while the end is still to come.
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
