"""By how much the open interest has changed over a span, in bp of what it was.

Known where it was at most two minutes old at both ends of the span.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed, closes_in
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import OPEN_INTEREST, value_of, values_in
from technical_indicators.rolling import rows_back


class _Change(Windowed):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        now = value_of(rows[-1], OPEN_INTEREST)
        before = value_of(rows[-1 - self._closes], OPEN_INTEREST)
        if now is None or before is None or before <= 0:
            return None
        return (now - before) / before * 10_000

    def columnar(self, columns: BaseColumns) -> Floats:
        now = columns.shared("open interest", lambda: values_in(columns, OPEN_INTEREST))
        before = rows_back(now, self._closes)
        return np.where(before > 0, (now - before) / before * 10_000, np.nan)


INDICATOR = BaseDefinition(
    inputs=("close_time_ms", "context"), parameters={"seconds": 60.0}, form=_Change
)
