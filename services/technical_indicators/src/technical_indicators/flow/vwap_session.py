"""How far the last price is from the volume-weighted mean price of the session.

(close - vwap) / vwap since the session began: sessions are so many hours long and follow each other
from 1970 on, so that those of 24 begin at midnight UTC. Not known in a session whose beginning was
not seen, since it would be another number for everybody who joins it, nor before the first trade.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from marketstream.columns import Flags, Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import run_of


class _Distance(Recursive):
    def __init__(self, base_s: float, hours: int) -> None:
        del base_s
        self._session_ms = hours * 3_600_000

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.volume + row.quote_volume != row.volume + row.quote_volume:
            return None
        if row.open_time_ms % self._session_ms == 0:
            return row.close, row.quote_volume, row.volume
        if state is None:
            return None
        return row.close, state[1] + row.quote_volume, state[2] + row.volume

    def value(self, state: State) -> float | None:
        close, quote_volume, volume = state
        if volume <= 0:
            return None
        vwap = quote_volume / volume
        return (close - vwap) / vwap

    def columnar(self, columns: BaseColumns) -> Floats:
        run = run_of(~np.isnan(columns.volume + columns.quote_volume), columns.run)
        rows = np.arange(len(run))
        begins = (run > 0) & (columns.open_time_ms % self._session_ms == 0)
        since = rows - np.maximum.accumulate(np.where(begins, rows, -len(rows)))
        seen = run > since
        vwap = _sums(columns.quote_volume, begins, seen) / _sums(columns.volume, begins, seen)
        return np.where(seen, (columns.close - vwap) / vwap, np.nan)


def _sums(series: Floats, begins: Flags, seen: Flags) -> Floats:
    """Return the sums since each beginning, added up one by one."""
    sums = np.zeros(len(series))
    edges = [*np.flatnonzero(begins).tolist(), len(series)]
    for start, end in pairwise(edges):
        last = end if seen[start:end].all() else start + int(np.argmin(seen[start:end]))
        sums[start:last] = np.cumsum(series[start:last])
    return sums


INDICATOR = BaseDefinition(
    inputs=("open_time_ms", "close", "volume", "quote_volume"),
    parameters={"hours": 24},
    form=_Distance,
)
