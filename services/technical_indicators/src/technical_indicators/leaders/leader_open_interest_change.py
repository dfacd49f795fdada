"""By how much the leader's open interest has changed over a span, in bp of what it was.

Known of a perpetual, where it was at most two minutes old at both ends of the span.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_definition import closes_in
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair
from technical_indicators.perpetual import OPEN_INTEREST, value_of, values_in
from technical_indicators.rolling import rows_back


class _Change(Paired):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, pairs: Sequence[Pair]) -> float | None:
        now = value_of(pairs[-1].leader, OPEN_INTEREST)
        before = value_of(pairs[-self.rows].leader, OPEN_INTEREST)
        if now is None or before is None or before <= 0:
            return None
        return (now - before) / before * 10_000

    def columnar(self, pairs: PairColumns) -> Floats:
        now = values_in(pairs, OPEN_INTEREST)
        before = rows_back(now, self._closes)
        return np.where(before > 0, (now - before) / before * 10_000, np.nan)


INDICATOR = LeaderDefinition(inputs=("context",), parameters={"seconds": 10.0}, form=_Change)
