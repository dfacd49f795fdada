"""Where a close stands in a period of the calendar, as the sine and the cosine of its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import Windowed
from technical_indicators.base_row import BaseRow


def turn(wave: Callable[[float], float]) -> Callable[..., Windowed]:
    """Return the form of a wave of `math` over so many hours, by the time of the close."""

    class Turn(Windowed):
        def __init__(self, base_s: float, hours: int) -> None:
            del base_s
            self._period_ms = hours * 3_600_000

        def value(self, rows: Sequence[BaseRow]) -> float | None:
            return wave(2 * pi * (rows[-1].close_time_ms % self._period_ms / self._period_ms))

        def columnar(self, columns: BaseColumns) -> Floats:
            turns = 2 * pi * (columns.close_time_ms % self._period_ms / self._period_ms)
            return np.fromiter(map(wave, turns.tolist()), np.float64, len(turns))

    return Turn
