"""Signed number of trades as a share of all, fading with age, and near 0 where there are few.

sum(s k) / (sum(k) + 0.5), k = e^(-age / seconds). Base candles do not tell how many trades were
buys: all of a candle count for the side that took more in it, none where both took the same.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.decayed_share import decayed_share


def _terms(of: Any) -> tuple[Any, Any]:
    return of.signed_trades, of.trades


INDICATOR = BaseDefinition(
    inputs=("volume", "taker_buy_volume", "trade_count"),
    parameters={"seconds": 10.0},
    form=decayed_share(_terms, more=0.5),
)
