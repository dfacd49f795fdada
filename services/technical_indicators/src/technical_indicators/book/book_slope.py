"""Slope of the book: how much steeper quantity rises below the mid than above it, in -1..1.

A side's slope is the summed quantity of its levels over the distance of the last of them from the
mid; (bid - ask) / (bid + ask) of both. At one level that is the imbalance. After R. Næs and J.
Skjeltorp, "Order book characteristics and the volume-volatility relation", Journal of Financial
Markets 9 (2006), p. 408-432, whose slope is a mean of such steps of one side.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.base_row import Sides
from technical_indicators.levels import of_sides


def _slope(sides: Sides[Any]) -> Any:
    bid = sides.bid_quantity / (sides.mid - sides.last_bid)
    ask = sides.ask_quantity / (sides.last_ask - sides.mid)
    return (bid - ask) / (bid + ask)


INDICATOR = BaseDefinition(inputs=("depth",), parameters={"levels": 5}, form=of_sides(_slope))
