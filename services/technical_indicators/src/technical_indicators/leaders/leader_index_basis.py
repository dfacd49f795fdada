"""The leader's mid against its index in bp: above 0 it trades higher than spot markets do.

Known of a perpetual, while the index is at most 15 s old.
"""

from __future__ import annotations

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, newest
from technical_indicators.leader_row import Pair
from technical_indicators.perpetual import INDEX, value_of, values_in


def _of_pair(pair: Pair) -> float | None:
    index, mid = value_of(pair.leader, INDEX), pair.leader.mid
    return None if index is None or mid is None else (mid - index) / index * 10_000


def _of_columns(pairs: PairColumns) -> Floats:
    index = values_in(pairs, INDEX)
    return (pairs.leader_mid - index) / index * 10_000


INDICATOR = LeaderDefinition(inputs=("bid", "ask", "context"), form=newest(_of_pair, _of_columns))
