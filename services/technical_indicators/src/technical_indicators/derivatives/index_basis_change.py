"""By how many bp the basis to the index has changed over a span.

Known where the index was at most 15 s old at both of its ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed, closes_in
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import INDEX, distance_of, distances_in
from technical_indicators.rolling import rows_back


class _Change(Windowed):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        now = distance_of(rows[-1], INDEX, of_mid=False)
        before = distance_of(rows[-1 - self._closes], INDEX, of_mid=False)
        return None if now is None or before is None else now - before

    def columnar(self, columns: BaseColumns) -> Floats:
        basis = columns.shared(
            "basis to the index", lambda: distances_in(columns, INDEX, of_mid=False)
        )
        return basis - rows_back(basis, self._closes)


INDICATOR = BaseDefinition(
    inputs=("close_time_ms", "bid", "ask", "context"), parameters={"seconds": 10.0}, form=_Change
)
