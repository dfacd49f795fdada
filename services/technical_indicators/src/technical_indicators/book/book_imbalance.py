"""Imbalance of the best levels: (bid - ask) / (bid + ask) of their summed quantities, in -1..1.

More to buy than to sell is above 0. At one level it is `imbalance` told by the levels. C. Cao, O.
Hansch and X. Wang, "The information content of an open limit-order book", Journal of Futures
Markets 29 (2009), p. 16-41.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.base_row import Sides
from technical_indicators.levels import of_sides


def _imbalance(sides: Sides[Any]) -> Any:
    bid, ask = sides.bid_quantity, sides.ask_quantity
    return (bid - ask) / (bid + ask)


INDICATOR = BaseDefinition(inputs=("depth",), parameters={"levels": 5}, form=of_sides(_imbalance))
