"""Times on the wire, as RFC 3339 has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from exchanges.checked import FIRST_MS, LAST_MS

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
