"""Signed roots of volume as a share of all, fading with age: large trades count for less, -1..1.

sum(s sqrt(q) k) / sum(sqrt(q) k), k = e^(-age / seconds). Where the formula takes the root of each
trade, this takes that of all that takers bought in a base candle, and of all that they sold: many
small trades in one candle count for less than they would alone.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.decayed_share import decayed_share


def _terms(of: Any) -> tuple[Any, Any]:
    return of.root_buys - of.root_sells, of.root_buys + of.root_sells


INDICATOR = BaseDefinition(
    inputs=("volume", "taker_buy_volume"),
    parameters={"seconds": 10.0},
    form=decayed_share(_terms),
)
