"""Signed roots of volume against what is usual for the market, -1..1.

tanh(sum(s sqrt(q) k) / (2 seconds v)), k = e^(-age / seconds), where v is the mean of sqrt(q) a
second over five minutes that fade. It differs from `flow_root_share` in that little flow is near 0.
Roots are those of base candles, as there; while there are no five minutes yet, v is the mean of
what there is.
"""

from __future__ import annotations

from math import tanh

import numpy as np

from marketstream.columns import Floats, Integers
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import FADED, Decay, run_of

_USUAL_S = 300.0


class _Pressure(Recursive):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._decay = Decay(seconds, base_s)
        self._usual = Decay(max(_USUAL_S, base_s), base_s)
        self._twice = 2 * seconds
        self.rows = self._decay.rows
        self.settles = max(self._decay.settles, self._usual.settles)

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if not row.is_known:
            return None
        begun, *sums = state or (0.0,) * 7
        seen = int(begun)
        return (
            seen + 1.0,
            *self._decay.fold(seen, sums[:2], row.root_buys - row.root_sells),
            *self._usual.fold(seen, sums[2:4], row.root_buys + row.root_sells),
            *self._usual.fold(seen, sums[4:], row.length_s),
        )

    def value(self, state: State) -> float | None:
        seen = int(state[0])
        if seen < self.rows:
            return None
        usual = self._usual.total(seen, state[3:5]) / self._usual.total(seen, state[5:])
        if usual <= FADED:
            return 0.0
        return tanh(self._decay.total(seen, state[1:3]) / (self._twice * usual))

    def columnar(self, columns: BaseColumns) -> Floats:
        run = run_of(columns.is_known, columns.run)
        signed = self._decay.totals(columns.root_buys - columns.root_sells, run)
        usual = columns.shared("usual flow", lambda: self._usual_in(columns, run))
        series = np.where(usual <= FADED, 0.0, signed / (self._twice * usual))
        known = np.where(run >= self.rows, series, np.nan)
        return np.fromiter(map(tanh, known.tolist()), np.float64, len(known))

    def _usual_in(self, columns: BaseColumns, run: Integers) -> Floats:
        roots = self._usual.totals(columns.root_buys + columns.root_sells, run)
        return roots / self._usual.totals(columns.length_s, run)


INDICATOR = BaseDefinition(
    inputs=("volume", "taker_buy_volume"), parameters={"seconds": 10.0}, form=_Pressure
)
