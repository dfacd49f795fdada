"""Signed share of the leader's volume over a span: (taker buys - taker sells) / volume, -1..1.

It is 0 where nothing was traded. What `flow_…` of the spans is for the market itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_definition import closes_in
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, Paired
from technical_indicators.leader_row import Pair
from technical_indicators.rolling import rolling_sum


class _Flow(Paired):
    def __init__(self, base_s: float, seconds: float) -> None:
        self.rows = closes_in(seconds, base_s)

    def value(self, pairs: Sequence[Pair]) -> float | None:
        signed = volume = 0.0
        for back in range(1, self.rows + 1):
            leader = pairs[-back].leader
            signed += leader.signed
            volume += leader.volume
        return 0.0 if volume == 0 else signed / volume

    def columnar(self, pairs: PairColumns) -> Floats:
        volume = rolling_sum(pairs.volume, self.rows)
        return np.where(volume == 0, 0.0, rolling_sum(pairs.signed, self.rows) / volume)


INDICATOR = LeaderDefinition(
    inputs=("volume", "taker_buy_volume"), parameters={"seconds": 1.0}, form=_Flow
)
