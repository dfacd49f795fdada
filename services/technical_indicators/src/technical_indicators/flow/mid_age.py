"""Seconds since the mid last moved, from base close to base close; not known before it moves."""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import run_of
from technical_indicators.rolling import rows_back

_NEVER = -1.0


class _Age(Recursive):
    rows = 2

    def __init__(self, base_s: float) -> None:
        self._base_s = base_s

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.mid is None:
            return None
        if state is None:
            return row.mid, _NEVER
        before, closes = state
        if row.mid != before:
            return row.mid, 0.0
        return row.mid, closes if closes == _NEVER else closes + 1

    def value(self, state: State) -> float | None:
        return None if state[1] == _NEVER else state[1] * self._base_s

    def columnar(self, columns: BaseColumns) -> Floats:
        mid = columns.mid
        run = run_of(~np.isnan(mid), columns.run)
        rows = np.arange(len(mid))
        moved = (run > 1) & (mid != rows_back(mid, 1))
        closes = rows - np.maximum.accumulate(np.where(moved, rows, -len(mid)))
        return np.where(run >= closes + 2, closes * self._base_s, np.nan)


INDICATOR = BaseDefinition(inputs=("bid", "ask"), form=_Age)
