"""Which values of a parameter a function takes, found by trying: TA-Lib tells nobody."""

from __future__ import annotations

from collections.abc import Callable

_FAR_WHOLE = 10**6  # above the longest period of TA-Lib, and far from what it reads as "default"
_FAR = 1e30
_DIGITS = 6


def accepted_range(
    accepts: Callable[[int | float], bool], default: float
) -> tuple[int | float | None, int | float | None]:
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
