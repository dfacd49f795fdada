"""Signed volume as a share of all, fading with age: above 0 where takers bought more, -1..1.

sum(s q k) / sum(q k) of trades with side s and quantity q, k = e^(-age / seconds). Base candles
hold what takers bought and sold in them, so that the sums are those of trade by trade, but for
ages, which count from the close of a trade's candle to the newest close.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.decayed_share import decayed_share


def _terms(of: Any) -> tuple[Any, Any]:
    return of.buys - of.sells, of.buys + of.sells


INDICATOR = BaseDefinition(
    inputs=("volume", "taker_buy_volume"),
    parameters={"seconds": 10.0},
    form=decayed_share(_terms),
)
