"""Age of the levels in seconds: the close less the exchange's time of the newest levels before it.

It is known also of levels that are too old, or cross, so that nothing else is known of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow


class _Age(Windowed):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        age_us = rows[-1].depth_age_us
        return None if age_us is None else age_us / 1_000_000

    def columnar(self, columns: BaseColumns) -> Floats:
        return columns.depth_age_us / 1_000_000


INDICATOR = BaseDefinition(inputs=("close_time_ms", "depth"), form=_Age)
