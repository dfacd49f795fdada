"""Return of the leader's mid over a span, from base close to base close: (now - then) / then.

A market's moves foretell those of others that are slower to take in the same news: J. Hasbrouck,
"One Security, Many Markets: Determining the Contributions to Price Discovery", Journal of Finance
50 (1995), p. 1175-1199.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.base_definition import closes_in
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair
from technical_indicators.rolling import rows_back


class _Return(Paired):
    def __init__(self, base_s: float, seconds: float) -> None:
        self._closes = closes_in(seconds, base_s)
        self.rows = self._closes + 1

    def value(self, pairs: Sequence[Pair]) -> float | None:
        now, then = pairs[-1].leader.mid, pairs[-self.rows].leader.mid
        return None if now is None or then is None else (now - then) / then

    def columnar(self, pairs: PairColumns) -> Floats:
        then = rows_back(pairs.leader_mid, self._closes)
        return (pairs.leader_mid - then) / then


INDICATOR = LeaderDefinition(inputs=("bid", "ask"), parameters={"seconds": 1.0}, form=_Return)
