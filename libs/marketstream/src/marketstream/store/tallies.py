"""Counts stored outcomes that are alike, so that a long past is read as a few hundred rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from marketstream.evidence import Streams, Tally
from marketstream.store.tables import OUTCOMES, PREDICTIONS

_AT_ONCE_MS = 86_400_000  # some 300,000 outcomes: a server ends what takes a minute


def read_tallies(
    connection: Connection, market: str, timeframe: str, until_ms: int, streams: Sequence[Streams]
) -> list[Tally]:
    """Return the champion's outcomes of closes before `until_ms`, counted where alike.

    What was late is left out, and so are rows that have no stream.
    """
    columns = OUTCOMES.c
    close = columns.close_time_ms
    of_market = (columns.market == market, columns.timeframe == timeframe, close < until_ms)
    following = select(func.min(close)).where(*of_market)
    tallies: list[Tally] = []
    while (since_ms := connection.execute(following).scalar_one()) is not None:
        to_ms = since_ms + _AT_ONCE_MS
        query = _tallies(streams).where(*of_market, close >= since_ms, close < to_ms)
        counted = (Tally(*row) for row in connection.execute(query))
        tallies += (tally for tally in counted if tally.stream is not None)
        following = select(func.min(close)).where(*of_market, close >= to_ms)
    return tallies


def _tallies(streams: Sequence[Streams]) -> Select[Any]:
    columns = OUTCOMES.c
    stream = case(*_streams(streams), else_=None)
    alike = (columns.horizon_ms, stream, columns.verdict, columns.baselines)
    close = columns.close_time_ms
    return (
        select(*alike, func.count(), func.min(close), func.max(close))
        .where(
            columns.horizon_ms.in_([each.horizon_ms for each in streams]),
            columns.role == "champion",
            columns.late.is_(False),
        )
        .group_by(*alike)
    )


def _streams(streams: Sequence[Streams]) -> list[tuple[ColumnElement[bool], ColumnElement[int]]]:
    """Return what `Streams.of` says, as conditions and values; the first that holds counts.

    The latency is looked up by the whole key: servers may plan a join that never ends.
    """
    latency_ms = (
        select(PREDICTIONS.c.label_latency_ms)
        .where(*(OUTCOMES.c[key.name] == key for key in PREDICTIONS.primary_key))
        .scalar_subquery()
    )
    found = []
    for each in streams:
        is_one = OUTCOMES.c.horizon_ms == each.horizon_ms
        close = OUTCOMES.c.close_time_ms // each.every_ms
        most_ms = each.most_latency_ms
        later = each.turns + close % (each.turns + 1)
        found.append((and_(is_one, latency_ms <= most_ms), close % each.turns))
        found.append((and_(is_one, latency_ms <= most_ms + each.every_ms), later))
    return found
