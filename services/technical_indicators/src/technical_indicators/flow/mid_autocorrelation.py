"""Autocorrelation of the mid's changes over a span, from one base close to the next.

sum(d d') / sum(d^2) of changes d and those d' before them, no mean taken away: above 0 where moves
go on, below where they turn back, 0 where nothing moved. J. Campbell, A. Lo and A. MacKinlay, The
Econometrics of Financial Markets (1997), chapter 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed, closes_in
from technical_indicators.base_row import BaseRow
from technical_indicators.rolling import rolling_sum, rows_back


class _Autocorrelation(Windowed):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._changes = closes_in(seconds, base_s)
        if self._changes < 2:
            raise ValueError(f"seconds has to be two of the finest candles, {2 * base_s:g} s")
        self.rows = self._changes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        products = squares = after = 0.0
        for row in islice(reversed(rows), self._changes):
            change = row.change
            if change is None:
                return None
            products += after * change
            squares += change * change
            after = change
        return products / squares if squares > 0 else 0.0

    def columnar(self, columns: BaseColumns) -> Floats:
        change = columns.change
        products = rolling_sum(change * rows_back(change, 1), self._changes - 1)
        squares = rolling_sum(change * change, self._changes)
        return np.where(squares == 0, 0.0, products / squares)


INDICATOR = BaseDefinition(
    inputs=("bid", "ask"), parameters={"seconds": 10.0}, form=_Autocorrelation
)
