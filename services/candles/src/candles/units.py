"""Whole units of a market's tick and lot, so that sums depend on neither order nor batching."""

from __future__ import annotations

from decimal import Decimal

EXACT = 2.0**53
"""Above this a float no longer holds every whole number."""


def decimals_of(value: float) -> int:
    """Return the decimals of the shortest decimal number that reads as `value`."""
    exponent = Decimal(repr(value)).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def to_units(value: float, decimals: int) -> int | None:
    """Return `value` in units of 10**-decimals, or None where it is no whole number of them."""
    scale = 10**decimals
    scaled = value * scale
    if scaled < EXACT:
        units = int(scaled + 0.5)
        if units / scale == value:
            return units  # else the product may have been rounded, as of 17 digits
    exact = Decimal(repr(value)).scaleb(decimals)
    return int(exact) if exact == exact.to_integral_value() else None
