"""Timeframes such as `250ms`, `1s`, `5m`, `1h`, `1d`, and the intervals they cut time into."""

from __future__ import annotations

import re
from functools import cache

from marketstream.errors import SettingsError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIMEFRAME = re.compile(r"([1-9][0-9]*)(ms|s|m|h|d)")
_DAY_MS = 86_400_000


@cache
def timeframe_ms(timeframe: str) -> int:
    """Return the length in milliseconds; it has to divide a day, so that intervals line up."""
    match = _TIMEFRAME.fullmatch(timeframe)
    length = int(match[1]) * _UNITS_MS[match[2]] if match else 0
    if not length or _DAY_MS % length:
        raise SettingsError(
            f"{timeframe!r} is not a timeframe: write 250ms, 1s, 1m, 15m, 1h "
            "or another that divides a day"
        )
    return length


def duration_ms(text: str) -> int:
    """Return a length of time such as `90s` or `1h` in milliseconds; a bare number is seconds."""
    if text.isdecimal():
        return int(text) * 1_000
    match = _TIMEFRAME.fullmatch(text)
    if not match:
        raise SettingsError(f"{text!r} is not a duration: write 60s, 5m, 1h or a number of seconds")
    return int(match[1]) * _UNITS_MS[match[2]]


def finest_first(timeframes: list[str]) -> list[str]:
    """Return the timeframes without repeats, the finest first."""
    return sorted(set(timeframes), key=timeframe_ms)
