"""The funding rate in bp: what longs pay to shorts next, of what they hold.

Known while it is at most ten minutes old.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import FUNDING, value_of, values_in


class _Rate(Windowed):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        rate = value_of(rows[-1], FUNDING)
        return None if rate is None else rate * 10_000

    def columnar(self, columns: BaseColumns) -> Floats:
        return values_in(columns, FUNDING) * 10_000


INDICATOR = BaseDefinition(inputs=("close_time_ms", "context"), form=_Rate)
