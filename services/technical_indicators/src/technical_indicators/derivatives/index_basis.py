"""The mid against the index in bp: above 0 the perpetual trades higher than spot markets do.

Known while the index is at most 15 s old.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Windowed
from technical_indicators.base_row import BaseRow
from technical_indicators.perpetual import INDEX, distance_of, distances_in


class _Basis(Windowed):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, rows: Sequence[BaseRow]) -> float | None:
        return distance_of(rows[-1], INDEX, of_mid=False)

    def columnar(self, columns: BaseColumns) -> Floats:
        return distances_in(columns, INDEX, of_mid=False)


INDICATOR = BaseDefinition(inputs=("close_time_ms", "bid", "ask", "context"), form=_Basis)
