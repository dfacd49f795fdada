"""Counts stored outcomes that are alike, so that a long past is read as a few hundred rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from marketstream.evidence import Streams, Tally
from marketstream.messages import Outcome
from marketstream.store.packed import LATENCY, packed_until, read_packed
from marketstream.store.packing import integers, unknown, words
from marketstream.store.tables import OUTCOMES, PREDICTIONS

_AT_ONCE_MS = 86_400_000  # some 300,000 outcomes: a server ends what takes a minute


def read_tallies(
    connection: Connection, market: str, timeframe: str, until_ms: int, streams: Sequence[Streams]
) -> list[Tally]:
    """Return the champion's outcomes of closes before `until_ms`, counted where alike.

    What was late was left out, and so are rows that have no stream.
    """
    series = (market, timeframe)
    packed_ms = packed_until(connection, Outcome, *series)
    stretches = read_packed(connection, Outcome, *series, 0, min(until_ms, packed_ms))
    tallies = _together(
        tally for data in stretches for tally in _of_packed(data, until_ms, streams)
    )
    columns = OUTCOMES.c
    close = columns.close_time_ms
    of_market = (
        columns.market == market,
        columns.timeframe == timeframe,
        close >= packed_ms,
        close < until_ms,
    )
    following = select(func.min(close)).where(*of_market)
    while (since_ms := connection.execute(following).scalar_one()) is not None:
        to_ms = since_ms + _AT_ONCE_MS
        query = _tallies(streams).where(*of_market, close >= since_ms, close < to_ms)
        counted = (Tally(*row) for row in connection.execute(query))
        tallies += (tally for tally in counted if tally.stream is not None)
        following = select(func.min(close)).where(*of_market, close >= to_ms)
    return tallies


def _together(tallies: Iterable[Tally]) -> list[Tally]:
    """Add up tallies that are alike."""
    sums: dict[tuple[Any, ...], Tally] = {}
    for one in tallies:
        alike = (one.horizon_ms, one.stream, one.verdict, msgspec.msgpack.encode(one.baselines))
        other = sums.get(alike)
        if other is not None:
            one = one._replace(
                outcomes=one.outcomes + other.outcomes,
                since_ms=min(one.since_ms, other.since_ms),
                until_ms=max(one.until_ms, other.until_ms),
            )
        sums[alike] = one
    return list(sums.values())


def _of_packed(data: bytes, until_ms: int, streams: Sequence[Streams]) -> Iterator[Tally]:
    """Yield the tallies of a stretch; its rows are in order of time."""
    closes, horizons, latencies = integers(data, "close_time_ms", "horizon_ms", LATENCY)
    role, verdict, baselines, late = words(Outcome, data, "role", "verdict", "baselines", "late")
    counts = role.having("champion") & late.having(False) & ~unknown(latencies)  # noqa: FBT003
    counts &= closes < until_ms
    for each in streams:
        rows = np.flatnonzero(counts & (horizons == each.horizon_ms))
        stream = each.of_all(closes[rows], latencies[rows])
        rows, stream = rows[stream >= 0], stream[stream >= 0]
        said, rivals = len(verdict.values), len(baselines.values)
        alike = (stream * said + verdict.codes[rows]) * rivals + baselines.codes[rows]
        found, first, outcomes = np.unique(alike, return_index=True, return_counts=True)
        _, last = np.unique(alike[::-1], return_index=True)
        yield from (
            Tally(
                each.horizon_ms, one // rivals // said, verdict.values[one // rivals % said],
                baselines.values[one % rivals], count, since_ms, until,
            )
            for one, count, since_ms, until in zip(
                found.tolist(), outcomes.tolist(), closes[rows[first]].tolist(),
                closes[rows[len(rows) - 1 - last]].tolist(), strict=True,
            )
        )  # fmt: skip


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
