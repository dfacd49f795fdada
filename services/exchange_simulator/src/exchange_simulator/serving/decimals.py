"""Whole numbers of ticks and lots as decimal texts."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1 << 17)
def decimal_text(units: int, decimals: int, shown: int = 8) -> str:
    """Return a number of `10**-decimals` units, padded to `shown` decimals: `61837.63000000`."""
    digits = str(units).zfill(decimals + 1)
    whole = digits[: len(digits) - decimals]
    fraction = digits[len(whole) :].ljust(shown, "0")
    return f"{whole}.{fraction}" if fraction else whole


def exact_text(units: int, decimals: int) -> str:
    """Return a sum or product with its last decimals cut to eight, as exchanges show them."""
    if decimals > 8:
        units //= 10 ** (decimals - 8)
    return decimal_text(units, min(decimals, 8))
