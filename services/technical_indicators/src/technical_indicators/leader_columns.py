"""What a market shows to those that look at it, as columns of all base closes."""

from __future__ import annotations

from functools import cached_property
from math import log

import numpy as np

from marketstream.columns import CONTEXT_COLUMNS, CandleColumns, Flags, Floats, Integers
from technical_indicators.leader_row import SILENT_S
from technical_indicators.microstructure import imbalances, length_of_run
from technical_indicators.rolling import rows_back

_QUOTE = ("bid", "bid_quantity", "ask", "ask_quantity")


class PairColumns:
    """A market's mid and its leader as of each close that both have, in order of time.

    What is known of a row is what `Pair` and `LeaderRow` know of it, by the same names; `run` is
    how many pairs follow without a hole.
    """

    def __init__(self, own: CandleColumns, leader: CandleColumns) -> None:
        self._own = own
        _, self._at, found = np.intersect1d(
            own.close_time_ms, leader.close_time_ms, assume_unique=True, return_indices=True
        )
        self.close_time_ms = own.close_time_ms[self._at]
        self._context = None if leader.context is None else leader.context[found]
        self.mid = own.mid[self._at]
        self.run = length_of_run(own.open_time_ms[self._at], own.close_time_ms[self._at])
        volume = leader.floats("volume")
        imbalance = imbalances(leader.floats("bid_quantity"), leader.floats("ask_quantity"))
        self.leader_mid = leader.mid[found]
        self.volume = volume[found]
        self.signed = (2 * leader.floats("taker_buy_volume") - volume)[found]
        self.imbalance = imbalance[found]
        self.quiet_s = _quiet_s(leader)[found]

    @cached_property
    def basis(self) -> Floats:
        """The log of the leader's mid less that of the market's own."""
        return _log(self.leader_mid) - _log(self.mid)

    def told(self, name: str) -> Floats:
        """Return what was told of the leader by each close; `CONTEXT_COLUMNS` are the names."""
        if self._context is None:
            return np.full(len(self.mid), np.nan)
        return self._context[:, CONTEXT_COLUMNS.index(name)]

    def at_closes(self, series: Floats, rows: int) -> Floats:
        """Return what pairs say as of each close of the market; NaN is what is not known.

        That is so where the leader has no such close, has been silent, or fewer than so many pairs
        follow without a hole.
        """
        heard = (self.quiet_s <= SILENT_S) & (self.run >= rows) & np.isfinite(series)
        known = np.full(len(self._own), np.nan)
        known[self._at] = np.where(heard, series, np.nan)
        return known


def _quiet_s(leader: CandleColumns) -> Floats:
    """Return how long ago something was traded or the best prices changed, NaN where not known."""
    run = length_of_run(leader.open_time_ms, leader.close_time_ms)
    changed: Flags = np.zeros(len(leader), np.bool_)
    for name in _QUOTE:
        column = leader.floats(name)
        before = rows_back(column, 1)
        changed |= (column != before) & ~(np.isnan(column) & np.isnan(before))
    news = (leader.floats("trade_count") > 0) | (changed & (run > 1))
    rows = np.arange(len(leader))
    closes: Integers = rows - np.maximum.accumulate(np.where(news, rows, -len(rows) - 1))
    length_s = (leader.close_time_ms - leader.open_time_ms) / 1_000
    return np.where(closes < run, closes * length_s, np.nan)


def _log(prices: Floats) -> Floats:
    """Return logarithms by the very function that takes those of single numbers."""
    known = prices > 0
    logs = np.full(len(prices), np.nan)
    logs[known] = np.fromiter(map(log, prices[known].tolist()), np.float64)
    return logs
