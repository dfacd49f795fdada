"""Times as RFC 3339 has them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


def iso_text(time_us: int) -> str:
    """Return `2023-10-06T17:35:56.123456Z`."""
    seconds, microseconds = divmod(time_us, 1_000_000)
    return f"{_to_the_second(seconds)}.{microseconds:06d}Z"


def iso_now() -> str:
    """Return the real present."""
    return iso_text(time.time_ns() // 1_000)


def us_of(text: str) -> int:
    """Return a time in RFC 3339, or a whole number of seconds, in µs; ValueError where neither."""
    if text.isdecimal():
        return int(text) * 1_000_000
    moment = datetime.fromisoformat(text)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)


@lru_cache(maxsize=1 << 10)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
