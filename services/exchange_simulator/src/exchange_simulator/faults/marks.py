"""Where in a venue's frames the faults find what they make wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

type Pattern = re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Marks:
    """What frames of `trades` and `quotes` contain, and the places of values in those of trades.

    A pattern matches a value and nothing around it; None where there is no such value. Times are
    numbers or as RFC 3339 has them; `event_time` is when the exchange says that it sent a frame.
    """

    trades: Pattern
    quotes: Pattern
    symbol: Pattern
    id: Pattern | None
    price: Pattern
    quantity: Pattern
    time: Pattern
    event_time: Pattern | None = None


def moved_time(text: bytes, ms: int, *, microseconds: bool) -> bytes:
    """Return a time in ms, in `microseconds` or in RFC 3339 that is `ms` later."""
    if text.isdigit():
        return b"%d" % max(0, int(text) + ms * (1_000 if microseconds else 1))
    moved = datetime.fromisoformat(text.decode()) + timedelta(milliseconds=ms)
    return moved.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
