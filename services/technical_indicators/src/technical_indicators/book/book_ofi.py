"""Order-flow imbalance of one level of the book over a span, in -1..1; level 1 is the best.

As `quote_ofi`, of the level with this number: K. Xu, M. Gould and S. Howison, "Multi-level
order-flow imbalance in a limit order book", Market Microstructure and Liquidity 4 (2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed, closes_in
from technical_indicators.base_row import BaseRow
from technical_indicators.order_flow import Added, imbalance_in, imbalance_of


class _Imbalance(Windowed):
    def __init__(self, base_s: float, level: int, seconds: float) -> None:
        self._at = level - 1
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        return imbalance_of(rows, self._closes, self._added)

    def columnar(self, columns: BaseColumns) -> Floats:
        flow = columns.flow(self._at)
        return imbalance_in(flow, np.abs(flow), self._closes)

    def _added(self, row: BaseRow) -> Added | None:
        if len(row.flows) <= self._at:
            return None
        flow = row.flows[self._at][0]
        return flow, abs(flow)


INDICATOR = BaseDefinition(
    inputs=("depth",), parameters={"level": 1, "seconds": 1.0}, form=_Imbalance
)
