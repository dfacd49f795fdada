"""Counts stored outcomes that are alike, so that a long past is read as a few hundred rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from marketstream.evidence import Streams
from marketstream.store.tables import OUTCOMES, PREDICTIONS


def select_tallies(
    market: str, timeframe: str, until_ms: int, streams: Sequence[Streams]
) -> Select[Any]:
    """Select the champion's outcomes of closes before `until_ms`, in the order of a `Tally`.

    What was late is left out, and so are rows that have no stream.
    """
    columns = OUTCOMES.c
    same = [columns[key.name] == key for key in PREDICTIONS.primary_key]
    stream = case(*_streams(streams), else_=None)
    rows = (
        select(
            columns.horizon_ms,
            stream.label("stream"),
            columns.verdict,
            columns.baselines,
            columns.close_time_ms,
        )
        .join(PREDICTIONS, and_(*same))
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            columns.close_time_ms < until_ms,
            columns.horizon_ms.in_([each.horizon_ms for each in streams]),
            columns.role == "champion",
            columns.late.is_(False),
        )
        .subquery()
    )
    alike = (rows.c.horizon_ms, rows.c.stream, rows.c.verdict, rows.c.baselines)
    close = rows.c.close_time_ms
    return (
        select(*alike, func.count(), func.min(close), func.max(close))
        .where(rows.c.stream.is_not(None))
        .group_by(*alike)
    )


def _streams(streams: Sequence[Streams]) -> list[tuple[ColumnElement[bool], ColumnElement[int]]]:
    """Return what `Streams.of` says, as conditions and values; the first that holds counts."""
    found = []
    for each in streams:
        is_one = OUTCOMES.c.horizon_ms == each.horizon_ms
        latency_ms, most_ms = PREDICTIONS.c.label_latency_ms, each.most_latency_ms
        close = OUTCOMES.c.close_time_ms // each.every_ms
        prompt = close % each.turns
        later = each.turns + close % (each.turns + 1)
        found.append((and_(is_one, latency_ms <= most_ms), prompt))
        found.append((and_(is_one, latency_ms <= most_ms + each.every_ms), later))
    return found
