"""Hours until funding is paid; not known once its time has passed and the next was not told.

Known while the rate is at most ten minutes old.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import NEXT_FUNDING, value_of, values_in

_HOUR_US = 3_600_000_000


class _Hours(Windowed):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        next_us = value_of(rows[-1], NEXT_FUNDING)
        if next_us is None:
            return None
        left_us = next_us - rows[-1].close_time_ms * 1_000
        return left_us / _HOUR_US if left_us >= 0 else None

    def columnar(self, columns: BaseColumns) -> Floats:
        left_us = values_in(columns, NEXT_FUNDING) - columns.close_time_ms * 1_000.0
        return np.where(left_us >= 0, left_us / _HOUR_US, np.nan)


INDICATOR = BaseDefinition(inputs=("close_time_ms", "context"), form=_Hours)
