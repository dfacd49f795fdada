"""Order-flow imbalance of the best prices over a span, in -1..1.

What comes to the bid and goes from the ask, less the opposite, of one base close to the next,
summed over the span and divided by the sum of its sizes. R. Cont, A. Kukanov and S. Stoikov, "The
Price Impact of Order Book Events", Journal of Financial Econometrics 12 (2014), p. 47-88, who add
up every change of the book, and divide by its depth.
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
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        return imbalance_of(rows, self._closes, _added)

    def columnar(self, columns: BaseColumns) -> Floats:
        flow = columns.quote_flow
        return imbalance_in(flow, np.abs(flow), self._closes)


def _added(row: BaseRow) -> Added | None:
    flow = row.quote_flow
    return None if flow is None else (flow, abs(flow))


INDICATOR = BaseDefinition(
    inputs=("bid", "bid_quantity", "ask", "ask_quantity"),
    parameters={"seconds": 1.0},
    form=_Imbalance,
)
