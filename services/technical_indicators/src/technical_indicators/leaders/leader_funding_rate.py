"""The leader's funding rate in bp: what longs pay to shorts of it next.

Known of a perpetual, while the rate is at most ten minutes old.
"""

from __future__ import annotations

from marketstream.columns import Floats
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_definition import LeaderDefinition, newest
from technical_indicators.leader_row import Pair
from technical_indicators.perpetual import FUNDING, value_of, values_in


def _of_pair(pair: Pair) -> float | None:
    rate = value_of(pair.leader, FUNDING)
    return None if rate is None else rate * 10_000


def _of_columns(pairs: PairColumns) -> Floats:
    return values_in(pairs, FUNDING) * 10_000


INDICATOR = LeaderDefinition(inputs=("context",), form=newest(_of_pair, _of_columns))
