"""Trades a second, fading with age: how busy the market is.

sum(trades k) / sum(length k) of base candles, their lengths in seconds, k = e^(-age / seconds).
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.decayed_share import decayed_share


def _terms(of: Any) -> tuple[Any, Any]:
    return of.trades, of.length_s


INDICATOR = BaseDefinition(
    inputs=("trade_count",), parameters={"seconds": 10.0}, form=decayed_share(_terms)
)
