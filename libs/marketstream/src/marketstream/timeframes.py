"""Timeframes such as `250ms`, `1s`, `5m`, `1h`, `1d`, and the intervals they cut time into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from marketstream.errors import SettingsError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_TIMEFRAME = re.compile(r"([1-9][0-9]{0,15})(ms|s|m|h|d)")
_SECONDS = re.compile(r"[0-9]{1,16}")
_DAY_MS = 86_400_000
_LONGEST_DAYS = 30
_LONGEST_DURATION_DAYS = 366


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
    match = _TIMEFRAME.fullmatch(text)
    if not match and not _SECONDS.fullmatch(text):
        raise SettingsError(f"{text!r} is not a duration: write 60s, 5m, 1h or a number of seconds")
    length = int(match[1]) * _UNITS_MS[match[2]] if match else int(text) * 1_000
    if length > _LONGEST_DURATION_DAYS * _DAY_MS:
        raise SettingsError(f"{text!r} is longer than a year: write 60s, 5m, 1h or the like")
    return length


def horizon_ms(horizon: int, timeframe: str) -> int:
    """Return how far ahead so many timeframes are; from one of them to 30 days."""
    length = timeframe_ms(timeframe)
    most = _LONGEST_DAYS * _DAY_MS // length
    if not 1 <= horizon <= most:
        raise SettingsError(
            f"horizon {horizon}: it is a number of timeframes, of {timeframe} from 1 to {most}, "
            f"which are {_LONGEST_DAYS} days"
        )
    return horizon * length


def stretches(from_ms: int, to_ms: int, every_ms: int) -> Iterator[tuple[int, int]]:
    """Yield `[from_ms, to_ms)` in stretches that begin at multiples of their length since 1970.

    The first and the last may be cut.
    """
    while from_ms < to_ms:
        until_ms = min(to_ms, (from_ms // every_ms + 1) * every_ms)
        yield from_ms, until_ms
        from_ms = until_ms


def finest_first(timeframes: list[str]) -> list[str]:
    """Return the timeframes without repeats, the finest first."""
    return sorted(set(timeframes), key=timeframe_ms)
