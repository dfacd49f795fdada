"""How far the price of trades is from its fading mean, in what it moves by in as many seconds.

(m - mean of m) / (sigma sqrt(seconds)): m is the mean of the logarithms of a buy's and a sell's
price, so that it does not flip between bid and ask; its mean fades with e^(-age / seconds), and
sigma^2 is the mean of its squared changes, a second, over two minutes that fade. m is that of the
first buy and the first sell of a base candle, which are what candles hold, where the formula has
the last ones; where nobody bought or sold the price before stands. Changes are those from base
close to base close, where the formula has those of a second.
"""

from __future__ import annotations

from math import log, nan, sqrt

import numpy as np

from marketstream.columns import Floats, Integers
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import Decay, run_of
from technical_indicators.rolling import rows_back

_SIGMA_S = 120.0


class _Distance(Recursive):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._mean = Decay(seconds, base_s)
        self._sigma = Decay(max(_SIGMA_S, base_s), base_s)
        self._seconds = seconds
        self.rows = self._mean.rows
        self.settles = max(self._mean.settles, self._sigma.settles)

    def step(self, state: State | None, row: BaseRow) -> State:
        begun, bought, sold, before, *sums = state or (0.0, nan, nan, nan, *(0.0,) * 8)
        seen = int(begun)
        bought = bought if row.first_buy is None else log(row.first_buy)
        sold = sold if row.first_sell is None else log(row.first_sell)
        fair = (bought + sold) / 2
        if fair != fair:
            return 0.0, bought, sold, nan, *(0.0,) * 8
        change = fair - before if seen else 0.0
        return (
            seen + 1.0, bought, sold, fair,
            *self._mean.fold(seen, sums[:2], fair),
            *self._mean.fold(seen, sums[2:4], 1.0),
            *self._sigma.fold(seen, sums[4:6], change * change),
            *self._sigma.fold(seen, sums[6:], row.length_s if seen else 0.0),
        )  # fmt: skip

    def value(self, state: State) -> float | None:
        seen = int(state[0])
        if seen < max(self.rows, 2):
            return None
        mean = self._mean.total(seen, state[4:6]) / self._mean.total(seen, state[6:8])
        variance = self._sigma.total(seen, state[8:10]) / self._sigma.total(seen, state[10:])
        return (state[3] - mean) / sqrt(variance * self._seconds) if variance > 0 else 0.0

    def columnar(self, columns: BaseColumns) -> Floats:
        fair = columns.shared("fair price", lambda: _fair(columns))
        run = run_of(~np.isnan(fair), columns.run)
        mean = self._mean.totals(fair, run) / self._mean.totals(np.ones(len(fair)), run)
        variance = columns.shared("fair variance", lambda: self._variance(columns, fair, run))
        distance = (fair - mean) / np.sqrt(variance * self._seconds)
        return np.where(run >= max(self.rows, 2), np.where(variance > 0, distance, 0.0), np.nan)

    def _variance(self, columns: BaseColumns, fair: Floats, run: Integers) -> Floats:
        change = np.where(run > 1, fair - rows_back(fair, 1), 0.0)
        length_s = np.where(run > 1, columns.length_s, 0.0)
        return self._sigma.totals(change * change, run) / self._sigma.totals(length_s, run)


def _fair(columns: BaseColumns) -> Floats:
    bought = _last_known(columns.first_buy, columns.run)
    return (bought + _last_known(columns.first_sell, columns.run)) / 2


def _last_known(price: Floats, run: Integers) -> Floats:
    """Return the logarithm of the last price that there was since the last hole."""
    rows, known = np.arange(len(price)), ~np.isnan(price)
    logs = np.full(len(price), np.nan)
    logs[known] = [log(each) for each in price[known].tolist()]
    last = np.maximum.accumulate(np.where(known, rows, -1))
    return np.where((last >= 0) & (rows - last < run), logs[last], np.nan)


INDICATOR = BaseDefinition(
    inputs=("first_buy", "first_sell"), parameters={"seconds": 10.0}, form=_Distance
)
