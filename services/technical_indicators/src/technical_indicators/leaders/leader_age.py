"""Seconds since the leader last traded or changed its best prices, from base close to base close.

Beyond ten seconds it is silent, and this is missing like all that it says.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair


class _Age(Paired):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, pairs: Sequence[Pair]) -> float | None:
        return pairs[-1].leader.quiet_s

    def columnar(self, pairs: PairColumns) -> Floats:
        return pairs.quiet_s


INDICATOR = LeaderDefinition(inputs=("trade_count", "bid", "ask"), form=_Age)
