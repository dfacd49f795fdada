"""Deletes the oldest rows of a series, a stretch of time at a time, so that writers hardly wait."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, and_, delete, func, select

from marketstream.store.packed import forget_packed
from marketstream.store.tables import METADATA

type Forgettable = Literal[
    "candles",
    "features",
    "predictions",
    "outcomes",
    "move_forecasts",
    "move_outcomes",
    "score_sums",
]
"""The tables that grow with every close."""

STRETCH_MS = 600_000
_TIMES = {"candles": "open_time_ms", "score_sums": "from_ms"}


def forget(
    connection: Connection, table: Forgettable, market: str, timeframe: str, before_ms: int
) -> int:
    """Delete a stretch of the oldest rows of times before `before_ms`; return how many they were.

    It begins with what is packed, then with the oldest row there is: only where none is left to
    delete, it is 0.
    """
    if packed := forget_packed(connection, table, market, timeframe, before_ms):
        return packed
    rows = METADATA.tables[table]
    time = rows.c[_TIMES.get(table, "close_time_ms")]
    series = and_(rows.c.market == market, rows.c.timeframe == timeframe)
    oldest_ms = connection.execute(select(func.min(time)).where(series)).scalar_one()
    if oldest_ms is None or oldest_ms >= before_ms:
        return 0
    until_ms = min(before_ms, oldest_ms + STRETCH_MS)
    return connection.execute(delete(rows).where(series, time < until_ms)).rowcount
