"""Realised volatility of the mid that fades with age: the deviation of its returns, a root second.

sqrt(sum(r^2 k) / sum(length k)) over the returns r of the mid from base close to base close and
the candles' lengths in seconds, k = e^(-age / seconds). `volatility_…` of the spans is that of a
window, for each base candle. T. Andersen, T. Bollerslev, F. Diebold and P. Labys, "Modeling and
Forecasting Realized Volatility", Econometrica 71 (2003), p. 579-625.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import Decay, run_of
from technical_indicators.rolling import rows_back


class _Volatility(Recursive):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._decay = Decay(seconds, base_s)
        self.rows, self.settles = self._decay.rows + 1, self._decay.settles + 1

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.mid is None:
            return None
        if state is None:
            return row.mid, 0.0, 0.0, 0.0, 0.0, 0.0
        before, begun, *sums = state
        seen, change = int(begun), (row.mid - before) / before
        return (
            row.mid, seen + 1.0,
            *self._decay.fold(seen, sums[:2], change * change),
            *self._decay.fold(seen, sums[2:], row.length_s),
        )  # fmt: skip

    def value(self, state: State) -> float | None:
        seen = int(state[1])
        if seen + 1 < self.rows:
            return None
        return sqrt(self._decay.total(seen, state[2:4]) / self._decay.total(seen, state[4:]))

    def columnar(self, columns: BaseColumns) -> Floats:
        mid = columns.mid
        run = run_of(~np.isnan(mid), columns.run)
        change = (mid - rows_back(mid, 1)) / rows_back(mid, 1)
        changes = np.maximum(run - 1, 0)
        squares = self._decay.totals(change * change, changes)
        series = np.sqrt(squares / self._decay.totals(columns.length_s, changes))
        return np.where(run >= self.rows, series, np.nan)


INDICATOR = BaseDefinition(inputs=("bid", "ask"), parameters={"seconds": 60.0}, form=_Volatility)
