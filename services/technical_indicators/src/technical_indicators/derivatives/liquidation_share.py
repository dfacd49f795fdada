"""Liquidations that bought less those that sold, as a share of all volume, both fading.

Sum(l k) / sum(q k), k = e^(-age / seconds), l being what came between one close and the next: below
0 longs are being closed by force. 0 where there was none; not known, and begun anew, where nobody
listened: at first, after a lost connection, or where nothing has been told for 15 s.
"""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import FADED, Decay, run_of
from technical_indicators.perpetual import LIQUIDATIONS, value_of, values_in
from technical_indicators.rolling import rows_back


class _Share(Recursive):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._decay = decay = Decay(seconds, base_s)
        self.rows, self.settles = decay.rows + 1, decay.settles + 1

    def step(self, state: State | None, row: BaseRow) -> State | None:
        sums = None if row.context is None else row.context.liquidations
        if sums is None:
            return None
        now = (sums.bought, sums.sold, float(sums.since_us))
        is_known = row.is_known and value_of(row, LIQUIDATIONS) is not None
        if state is None or not is_known or state[2] != now[2]:
            return *now, 0.0, 0.0, 0.0, 0.0, 0.0
        bought, sold = now[0] - state[0], now[1] - state[1]
        if bought < 0 or sold < 0:
            return *now, 0.0, 0.0, 0.0, 0.0, 0.0
        seen = int(state[3])
        return (
            *now,
            seen + 1.0,
            *self._decay.fold(seen, state[4:6], bought - sold),
            *self._decay.fold(seen, state[6:], row.volume),
        )

    def value(self, state: State) -> float | None:
        seen = int(state[3])
        if seen < self._decay.rows:
            return None
        below = self._decay.total(seen, state[6:])
        return self._decay.total(seen, state[4:6]) / below if below > FADED else 0.0

    def columnar(self, columns: BaseColumns) -> Floats:
        bought, sold = _grown(columns, "liquidated_bought"), _grown(columns, "liquidated_sold")
        since_us = columns.told("liquidated_since_us")
        known = columns.is_known & ~np.isnan(values_in(columns, LIQUIDATIONS))
        known &= (columns.run > 1) & (since_us == rows_back(since_us, 1))
        run = run_of(known & (bought >= 0) & (sold >= 0), columns.run)
        above = self._decay.totals(bought - sold, run)
        below = self._decay.totals(columns.volume, run)
        series = np.where(below > FADED, above / below, 0.0)
        return np.where(run >= self._decay.rows, series, np.nan)


def _grown(columns: BaseColumns, name: str) -> Floats:
    sums = columns.told(name)
    return sums - rows_back(sums, 1)


INDICATOR = BaseDefinition(
    inputs=("close_time_ms", "volume", "taker_buy_volume", "context"),
    parameters={"seconds": 30.0},
    form=_Share,
)
