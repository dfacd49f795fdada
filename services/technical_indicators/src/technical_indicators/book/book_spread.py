"""Spread at a level: from the bid to the ask that are so many levels deep, as a share of the mid.

At one level it is the spread told by the levels.
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.base_row import Sides
from technical_indicators.levels import of_sides


def _spread(sides: Sides[Any]) -> Any:
    return (sides.last_ask - sides.last_bid) / sides.mid


INDICATOR = BaseDefinition(inputs=("depth",), parameters={"levels": 5}, form=of_sides(_spread))
