"""Which range of time is asked for: the last day, where nothing else is said."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Query

from marketstream.integrity import range_of
from marketstream.moments import moment_ms
from marketstream.store.port import Store
from prediction_api.routes.parameters import MOMENT

_ABOUT = f"{MOMENT}; without both the last day is told, and a range is no longer than 31 days"

From = Annotated[str | None, Query(alias="from", description=_ABOUT)]
To = Annotated[str | None, Query(alias="to", description=_ABOUT)]


def asked_range(store: Store, market: str, since: str | None, until: str | None) -> tuple[int, int]:
    """Return it in ms; SettingsError for one that makes no sense."""
    now_ms = time.time_ns() // 1_000_000
    from_ms = None if since is None else moment_ms(since, now_ms)
    to_ms = None if until is None else moment_ms(until, now_ms)
    return range_of(from_ms, to_ms, store.newest_ms(market), now_ms)
