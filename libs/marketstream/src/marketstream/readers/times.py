"""Times out of text: numbers in s, ms, µs or ns by their size, or dates in ISO 8601."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from marketstream.readers.numbers import Flags, Integers, read_numbers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = 1_230_768_000_000_000  # the year 2009: nothing was traded before Bitcoin
_LAST_US = 4_102_444_800_000_000  # the year 2100
_UNITS = ((10**11, 6), (10**14, 3), (10**17, 0), (2**63 - 1, -3))  # below, µs in one as power of 10


def read_times_us(texts: Sequence[bytes]) -> tuple[Integers, Flags]:
    """Read a column of times as µs in UTC, and say which rows hold one of the years 2009 to 2099.

    What is finer than a µs is cut off. A date without an offset is taken as UTC.
    """
    dates = [row for row, text in enumerate(texts) if b"-" in text]
    numbers = list(texts)
    for row in dates:
        numbers[row] = b""
    mantissa, decimals, _ = read_numbers(numbers)
    whole = mantissa // 10 ** np.minimum(decimals, 18)
    below, powers = np.array(_UNITS).T
    exponents = powers[np.searchsorted(below, whole, side="right").clip(max=3)] - decimals
    up = 10 ** exponents.clip(0, 6)
    down = 10 ** (-exponents).clip(0, 18)
    times_us = mantissa // down * up
    for row in dates:
        times_us[row] = _date_us(texts[row])
    return times_us, (times_us >= _FIRST_US) & (times_us < _LAST_US)


def _date_us(text: bytes) -> int:
    """Return a date in µs, or 0 where it is none."""
    try:
        date = datetime.fromisoformat(text.decode("ascii").strip().removesuffix(" UTC"))
    except (ValueError, UnicodeDecodeError):
        return 0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - _EPOCH) // _MICROSECOND
