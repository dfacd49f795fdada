"""Which values of a parameter a function takes, found by trying: TA-Lib tells nobody."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from technical_indicators.talib_library import talib

_FAR_WHOLE = 10**6  # above the longest period of TA-Lib, and far from what it reads as "default"
_FAR = 1e30
_DIGITS = 6


type Bounds = tuple[int | float | None, int | float | None]


def talib_bounds(function: str, inputs: int, name: str, default: float) -> Bounds:
    """Return the bounds of a parameter of a TA-Lib function that reads so many series."""
    series = [np.linspace(1.0, 2.0, 8)] * inputs
    work = getattr(talib, function)

    def accepts(value: float) -> bool:
        try:
            work(*series, **{name: value})
        except Exception:  # noqa: BLE001 - TA-Lib raises nothing narrower
            return False
        return True

    return accepted_range(accepts, default)


def in_words(least: float | None, most: float | None) -> str:
    """Return bounds as people write them: `2 to 100000`, `0 or more`; `any` without any."""
    if least is None:
        return "any" if most is None else f"up to {most}"
    return f"{least} or more" if most is None else f"{least} to {most}"


def accepted_range(accepts: Callable[[float], bool], default: float) -> Bounds:
    """Return the least and the greatest accepted value around an accepted default.

    None is where there is no bound. Whole numbers are tried where the default is one.
    """
    if isinstance(default, int):
        return _last_whole(accepts, default, -_FAR_WHOLE), _last_whole(accepts, default, _FAR_WHOLE)
    return _last(accepts, default, -_FAR), _last(accepts, default, _FAR)


def _last_whole(accepts: Callable[[int], bool], good: int, bad: int) -> int | None:
    if accepts(bad):
        return None
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if accepts(middle) else (good, middle)
    return good


def _last(accepts: Callable[[float], bool], good: float, bad: float) -> float | None:
    if accepts(bad):
        return None
    while abs(bad - good) > 10**-_DIGITS / 4:
        middle = (good + bad) / 2
        if middle in (good, bad):
            break
        good, bad = (middle, bad) if accepts(middle) else (good, middle)
    return round(good, _DIGITS)
