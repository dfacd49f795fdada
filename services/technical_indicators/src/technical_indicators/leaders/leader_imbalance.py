"""Imbalance of the leader's best prices: (bid size - ask size) / (bid size + ask size), -1..1.

What `imbalance` is for the market itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair


class _Imbalance(Paired):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, pairs: Sequence[Pair]) -> float | None:
        return pairs[-1].leader.imbalance

    def columnar(self, pairs: PairColumns) -> Floats:
        return pairs.imbalance


INDICATOR = LeaderDefinition(inputs=("bid_quantity", "ask_quantity"), form=_Imbalance)
