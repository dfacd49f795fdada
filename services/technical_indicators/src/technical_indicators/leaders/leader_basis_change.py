"""Change of the basis to the leader over a span: how far the market has stayed behind in it.

The basis is the log of the leader's mid less log of the market's own; that both come back to each
other is the error correction of cointegrated prices: R. Engle and C. Granger, "Co-integration and
Error Correction", Econometrica 55 (1987), p. 251-276.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_definition import closes_in
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair
from technical_indicators.rolling import rows_back


class _BasisChange(Paired):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, pairs: Sequence[Pair]) -> float | None:
        now, then = pairs[-1].basis, pairs[-self.rows].basis
        return None if now is None or then is None else now - then

    def columnar(self, pairs: PairColumns) -> Floats:
        return pairs.basis - rows_back(pairs.basis, self._closes)


INDICATOR = LeaderDefinition(inputs=("bid", "ask"), parameters={"seconds": 1.0}, form=_BasisChange)
