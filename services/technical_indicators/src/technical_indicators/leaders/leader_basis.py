"""Basis to the leader: log of its mid less log of the market's own.

Between a perpetual and its spot, or two currencies of quotation, it has a level of its own that
drifts; what foretells is its change.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair


class _Basis(Paired):
    def __init__(self, base_s: float) -> None:
        del base_s

    def value(self, pairs: Sequence[Pair]) -> float | None:
        return pairs[-1].basis

    def columnar(self, pairs: PairColumns) -> Floats:
        return pairs.basis


INDICATOR = LeaderDefinition(inputs=("bid", "ask"), form=_Basis)
