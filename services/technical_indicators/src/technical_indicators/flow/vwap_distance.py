"""How far the last price is from the volume-weighted mean price, which fades with age.

(close - vwap) / vwap, vwap = sum(price quantity k) / sum(quantity k), k = e^(-age / seconds): a
rolling VWAP whose window has no edge. Not known where nothing has been traded.
"""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import FADED, Decay, run_of


class _Distance(Recursive):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._decay = Decay(seconds, base_s)
        self.rows, self.settles = self._decay.rows, self._decay.settles

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.volume + row.quote_volume != row.volume + row.quote_volume:
            return None
        _, begun, *sums = state or (0.0,) * 6
        seen = int(begun)
        return (
            row.close, seen + 1.0,
            *self._decay.fold(seen, sums[:2], row.quote_volume),
            *self._decay.fold(seen, sums[2:], row.volume),
        )  # fmt: skip

    def value(self, state: State) -> float | None:
        close, begun, *sums = state
        seen = int(begun)
        volume = self._decay.total(seen, sums[2:])
        if seen < self.rows or volume <= FADED:
            return None
        vwap = self._decay.total(seen, sums[:2]) / volume
        return (close - vwap) / vwap

    def columnar(self, columns: BaseColumns) -> Floats:
        run = run_of(~np.isnan(columns.volume + columns.quote_volume), columns.run)
        quote_volume = self._decay.totals(columns.quote_volume, run)
        volume = self._decay.totals(columns.volume, run)
        vwap = quote_volume / volume
        known = (run >= self.rows) & (volume > FADED)
        return np.where(known, (columns.close - vwap) / vwap, np.nan)


INDICATOR = BaseDefinition(
    inputs=("close", "volume", "quote_volume"), parameters={"seconds": 60.0}, form=_Distance
)
