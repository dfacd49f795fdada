"""Times of day on the wire, as RFC 3339 has them, and how long candles are that say only when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from exchanges.checked import FIRST_MS, LAST_MS
from marketstream.errors import NetworkError

Time = Annotated[datetime, msgspec.Meta(tz=True)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = FIRST_MS * 1_000, LAST_MS * 1_000


def us_of(time: datetime) -> int:
    """Return a time in µs; raises ValueError where it is none of the years 2009 to 2099."""
    since = time - _EPOCH
    time_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if not _FIRST_US <= time_us < _LAST_US:
        raise ValueError(f"{time} is no time of the years 2009 to 2099")
    return time_us


def interval_of(symbol: str, open_times_s: Sequence[int], intervals_s: Iterable[int]) -> int:
    """Return how long candles are that open at these times, in seconds.

    It is the longest interval whose multiples all of them are: too long where a market has traded
    so seldom that most candles are missing. Raises NetworkError where there is none.
    """
    common = math.gcd(*open_times_s)
    interval_s = max((one for one in intervals_s if common % one == 0), default=None)
    if interval_s is None:
        raise NetworkError(f"{symbol}: candles that begin at no round time: {open_times_s[:3]}")
    return interval_s
