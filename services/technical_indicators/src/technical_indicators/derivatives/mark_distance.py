"""The mark price against the mid in bp: above 0 positions are valued higher than they trade.

Known while the mark price is at most 15 s old.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import MARK, distance_of, distances_in


class _Distance(Windowed):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        return distance_of(rows[-1], MARK, of_mid=True)

    def columnar(self, columns: BaseColumns) -> Floats:
        return distances_in(columns, MARK, of_mid=True)


INDICATOR = BaseDefinition(inputs=("close_time_ms", "bid", "ask", "context"), form=_Distance)
