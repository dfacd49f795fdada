"""The prices predictions are about, at every close of the base timeframe.

The mid of the book is the price. Where there was no book, the fair mid stands in for it: the
geometric mean of the next price at which a taker buys and the next at which one sells. It is made
of later prints alone, since a mid of the last ones is stale and looks predictable where nothing is.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from marketstream.columns import Floats, Integers, PriceSeries, Times
from marketstream.errors import InputError

_SHORTEST_CLOSE_MS = 60_000
_AT_ONCE_MS = 10  # quotes so far behind are not behind: it is how finely that is measured

type Label = Literal["mid", "fair", "close"]


def label_prices(series: PriceSeries, label: Label) -> Floats:
    """Return the prices that a label is about."""
    if label == "fair":
        return _fair(series)
    return series.mid if label == "mid" else series.close


def known_ms(series: PriceSeries, label: Label) -> Floats:
    """Return when the price as of each close is known; NaN where it never was.

    The fair mid is known later than its close: once both prints have come.
    """
    if label != "fair":
        return series.close_time_ms.astype(np.float64)
    known = np.full(len(series.close_time_ms), np.nan)
    if series.first_buy is not None and series.first_sell is not None:
        buy, sell = _next(series, series.first_buy), _next(series, series.first_sell)
        there = (buy >= 0) & (sell >= 0)
        known[there] = series.close_time_ms[np.maximum(buy, sell)[there]]
    return known


def label_returns(
    decided_ms: Times, prices: Floats, series: PriceSeries, *, horizon_ms: int, latency_ms: int = 0
) -> Floats:
    """Return log(price(t + latency + h) / price(t + latency)) for each decision time t.

    `prices` is one of the series' own (`label_prices`). A price counts as of the first base
    close at or after the moment, so latency is never rounded away; the horizon is a time, so where
    the series has a hole at either end the label is NaN, as it is while the end is still to come.
    """
    start = _at(decided_ms + latency_ms, prices, series)
    end = _at(decided_ms + latency_ms + horizon_ms, prices, series)
    return np.log(end / start)


def label_ends(
    decided_ms: Times, label: Label, series: PriceSeries, *, horizon_ms: int, latency_ms: int = 0
) -> Times:
    """Return when the label of each decision was known: what has to be over before a later row.

    Where it never was, that is the moment the label is about.
    """
    about_ms = _moments(decided_ms + latency_ms + horizon_ms, series)
    known = _at(about_ms, known_ms(series, label), series)
    return np.where(np.isfinite(known), known, about_ms).astype(np.int64)


def choose_label(series: PriceSeries) -> Label:
    """Return the label that the prices allow: the mid, else the fair mid, else the close.

    Raises InputError where there are only last prices of candles shorter than a minute: those
    bounce between bid and ask, and a model that learns the bounce looks 65 % right on pure noise.
    """
    if np.isfinite(series.mid).any():
        return "mid"
    if np.isfinite(label_prices(series, "fair")).any():
        return "fair"
    if series.base_ms < _SHORTEST_CLOSE_MS:
        raise InputError(
            f"candles of {series.base_ms} ms without quotes or taker sides have no price to be "
            "judged by but the last trade's, which bounces between bid and ask: use trades with "
            "sides, quotes, or candles of 1m or longer"
        )
    return "close"


def start_latency_ms(latency_ms: int, quote_lag_ms: int, base_ms: int) -> int:
    """Return how long after the decision a price is taken for its start, where quotes lag.

    A mid from before the trades that were decided on would come true by itself, once the quotes
    that explain those trades are there. A lag is counted in full closes of the base timeframe, so
    that models of one lag stay comparable while what is measured moves a little.
    """
    if quote_lag_ms <= _AT_ONCE_MS:
        return latency_ms
    return on_grid(latency_ms + quote_lag_ms, base_ms)


def on_grid(time_ms: int, base_ms: int) -> int:
    """Return the first close of the base timeframe at or after a moment."""
    return -(-time_ms // base_ms) * base_ms


def _moments(moments_ms: Times, series: PriceSeries) -> Times:
    return -(-moments_ms // series.base_ms) * series.base_ms


def _at(moments_ms: Times, prices: Floats, series: PriceSeries) -> Floats:
    wanted = _moments(moments_ms, series)
    index = np.searchsorted(series.close_time_ms, wanted)
    found = np.full(len(wanted), np.nan)
    inside = index < len(series.close_time_ms)
    exact = inside.copy()
    exact[inside] = series.close_time_ms[index[inside]] == wanted[inside]
    found[exact] = prices[index[exact]]
    return found


def _fair(series: PriceSeries) -> Floats:
    """Return the fair mid as of each close, NaN where a print is still to come."""
    fair = np.full(len(series.close_time_ms), np.nan)
    if series.first_buy is None or series.first_sell is None:
        return fair
    buy, sell = _next(series, series.first_buy), _next(series, series.first_sell)
    there = (buy >= 0) & (sell >= 0)
    fair[there] = np.sqrt(series.first_buy[buy[there]] * series.first_sell[sell[there]])
    return fair


def _next(series: PriceSeries, prints: Floats) -> Integers:
    """Return for each close the row of the first print after it, -1 across a hole in time."""
    rows = np.arange(len(prints))
    known = np.where(np.isfinite(prints), rows, len(prints))
    after = np.append(np.minimum.accumulate(known[::-1])[::-1], len(prints))[1:]
    found = np.full(len(prints), -1)
    there = after < len(prints)
    passed_ms = series.close_time_ms[after[there]] - series.close_time_ms[there]
    whole = passed_ms == (after - rows)[there] * series.base_ms
    found[there] = np.where(whole, after[there], -1)
    return found
