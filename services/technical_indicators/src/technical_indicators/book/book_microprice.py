"""Microprice against the mid, as a share of it: where the quantities of the levels pull the price.

Each side's mean price, weighted by quantity, weighs as much as the other side's quantity: with one
level (bid * ask quantity + ask * bid quantity) / (bid quantity + ask quantity), the weighted mid of
J. Gatheral and R. Oomen, "Zero-intelligence realized variance estimation", Finance and Stochastics
14 (2010), p. 249-283, and of S. Stoikov, "The micro-price", Quantitative Finance 18 (2018).
"""

from __future__ import annotations

from typing import Any

from technical_indicators.base_definition import BaseDefinition
from technical_indicators.base_row import Sides
from technical_indicators.levels import of_sides


def _microprice(sides: Sides[Any]) -> Any:
    bid, ask = sides.bid_quantity, sides.ask_quantity
    pulled = (sides.bid_value / bid * ask + sides.ask_value / ask * bid) / (bid + ask)
    return (pulled - sides.mid) / sides.mid


INDICATOR = BaseDefinition(inputs=("depth",), parameters={"levels": 5}, form=of_sides(_microprice))
