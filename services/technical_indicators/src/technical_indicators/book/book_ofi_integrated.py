"""Order-flow imbalance of the best levels together over a span, in -1..1.

The flows of all of them, summed over levels and span, over the sum of their sizes. R. Cont, M.
Cucuringu and C. Zhang, "Cross-impact of order flow imbalance in equity markets", Quantitative
Finance 23 (2023), p. 1373-1393, weigh the levels by their first principal component, which has to
be fitted; here they weigh the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed, closes_in
from technical_indicators.base_row import BaseRow
from technical_indicators.order_flow import Added, imbalance_in, imbalance_of


class _Integrated(Windowed):
    def __init__(self, base_s: float, levels: int, seconds: float) -> None:
        self._levels = levels
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        return imbalance_of(rows, self._closes, self._added)

    def columnar(self, columns: BaseColumns) -> Floats:
        flow, size = np.zeros((2, len(columns)))
        for number in range(self._levels):
            of_level = columns.flow(number)
            flow = flow + of_level
            size = size + np.abs(of_level)
        return imbalance_in(flow, size, self._closes)

    def _added(self, row: BaseRow) -> Added | None:
        if len(row.flows) < self._levels:
            return None
        return row.flows[self._levels - 1][1:]


INDICATOR = BaseDefinition(
    inputs=("depth",), parameters={"levels": 5, "seconds": 1.0}, form=_Integrated
)
