"""Deletes the oldest rows of a series, a stretch of time at a time, so that writers hardly wait."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, and_, delete, func, select

from marketstream.store.packed import forget_packed, stretch_ms
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

_TIMES = {"candles": "open_time_ms", "score_sums": "from_ms"}
_LEAST_MS, _MOST_MS = 600_000, 86_400_000
_FEW = ("move_forecasts", "move_outcomes", "score_sums")  # a few thousand a day, or less


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
    until_ms = min(before_ms, oldest_ms + _step_ms(table, timeframe))
    return connection.execute(delete(rows).where(series, time < until_ms)).rowcount


def _step_ms(table: Forgettable, timeframe: str) -> int:
    """Return how much goes at once: some thousand rows, for which nobody waits long."""
    return _MOST_MS if table in _FEW else max(_LEAST_MS, stretch_ms(timeframe))
