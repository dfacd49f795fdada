"""Reads how whole a market is: what is asked of the tables, and put together as a `Ledger`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
)

from marketstream.messages import Gap, Stall
from marketstream.store.counts import AuditCounts, CandleCounts, Doubt, GapCounts, Ledger, Numbering
from marketstream.store.proofs import certificates, packed_proofs, seen
from marketstream.store.proofs import doubts as proven_doubts
from marketstream.store.tables import AUDITS, CANDLES, GAPS, PACKED, STALLS
from marketstream.timeframes import finest_first, timeframe_ms

_US_PER_MS = 1_000
_LISTED = 500  # of each kind, so that an answer stays one that people can read


def read_ledger(connection: Connection, market: str, from_ms: int, to_ms: int) -> Ledger:
    """Return what is known of a market over `[from_ms, to_ms)`."""
    window = (market, from_ms, to_ms)
    timeframes = timeframes_of(connection, market)
    numberings: list[Numbering] = []
    doubts: list[Doubt] = []
    if timeframes:
        numberings = list(_numberings(connection, timeframes[0], *window))
        doubts = [Doubt(*row) for row in _doubts_of(connection, timeframes[0], *window)]
    return Ledger(
        [Gap(*row) for row in _newest(connection, GAPS, *window)],
        [
            GapCounts(epoch, state, gaps, int(ids))
            for epoch, state, gaps, ids in _rows(connection, _gap_counts(*window))
        ],
        [Stall(*row) for row in _newest(connection, STALLS, *window)],
        dict(_rows(connection, _stall_counts(*window))),
        numberings,
        [
            CandleCounts(timeframe, *counts)
            for timeframe in timeframes
            for counts in _counts_of(connection, timeframe, *window)
        ],
        doubts[::-1],
        [
            AuditCounts(timeframe, *map(int, counts))
            for timeframe in timeframes
            for counts in _rows(connection, _audit_counts(timeframe, *window))
            if counts[0] is not None
        ],
    )


def timeframes_of(connection: Connection, market: str) -> list[str]:
    """Return the timeframes that a market has candles of, packed or not, the finest first."""
    rows = distinct(connection, CANDLES.c.timeframe, CANDLES.c.market == market)
    of_market = and_(PACKED.c.kind == CANDLES.name, PACKED.c.market == market)
    return finest_first([*rows, *distinct(connection, PACKED.c.timeframe, of_market)])


def markets_of(connection: Connection) -> list[str]:
    """Return the markets that have candles, packed or not, sorted."""
    of_candles = PACKED.c.kind == CANDLES.name
    rows = distinct(connection, CANDLES.c.market)
    return sorted({*rows, *distinct(connection, PACKED.c.market, of_candles)})


def distinct(connection: Connection, column: Column[Any], *where: ColumnElement[bool]) -> list[str]:
    """Return the values of a column; each is looked up, so that a table may be long."""
    found: list[str] = []
    query = select(func.min(column)).where(*where)
    while (value := connection.execute(query).scalar_one()) is not None:
        found.append(value)
        query = select(func.min(column)).where(*where, column > value)
    return found


def _rows(connection: Connection, query: Select[Any]) -> list[Any]:
    return [tuple(row) for row in connection.execute(query)]


def _newest(
    connection: Connection, table: Table, market: str, from_ms: int, to_ms: int
) -> list[Any]:
    query = (
        select(table)
        .where(_reaches(table, market, from_ms, to_ms))
        .order_by(table.c.since_us.desc(), *(column.desc() for column in table.primary_key))
        .limit(_LISTED)
    )
    return _rows(connection, query)[::-1]


def _gap_counts(market: str, from_ms: int, to_ms: int) -> Select[Any]:
    columns = GAPS.c
    ids = func.sum(columns.end_id - columns.first_id)
    return (
        select(columns.epoch, columns.state, func.count(), ids)
        .where(_reaches(GAPS, market, from_ms, to_ms))
        .group_by(columns.epoch, columns.state)
        .order_by(columns.epoch, columns.state)
    )


def _stall_counts(market: str, from_ms: int, to_ms: int) -> Select[Any]:
    return (
        select(STALLS.c.end, func.count())
        .where(_reaches(STALLS, market, from_ms, to_ms))
        .group_by(STALLS.c.end)
        .order_by(STALLS.c.end)
    )


def _audit_counts(timeframe: str, market: str, from_ms: int, to_ms: int) -> Select[Any]:
    columns = AUDITS.c
    return select(
        func.sum(columns.compared), func.sum(columns.equal), func.sum(columns.incomplete)
    ).where(
        columns.market == market,
        columns.timeframe == timeframe,
        columns.from_ms >= from_ms,
        columns.from_ms < to_ms,
    )


def _numberings(
    connection: Connection, timeframe: str, market: str, from_ms: int, to_ms: int
) -> Iterator[Numbering]:
    """Yield the numberings that reach into the range; a gap without ids ends each but the last."""
    columns = GAPS.c
    seams = (
        select(columns.epoch, columns.since_us, columns.until_us)
        .where(columns.market == market, columns.first_id == columns.end_id)
        .order_by(columns.since_us, columns.epoch, columns.first_id)
    )
    step_ms = timeframe_ms(timeframe)
    epoch, begins_ms = 0, from_ms
    for ended, since_us, until_us in _rows(connection, seams):
        # Candles that open in the one in which the numbering ended hold trades of both.
        ends_ms = since_us // _US_PER_MS // step_ms * step_ms
        if from_ms < ends_ms and begins_ms < to_ms:
            yield _numbering(connection, market, timeframe, ended, begins_ms, min(ends_ms, to_ms))
        after_us = since_us if until_us is None else until_us
        epoch = ended + 1
        begins_ms = max(from_ms, (after_us // _US_PER_MS // step_ms + 1) * step_ms)
    if begins_ms < to_ms:
        yield _numbering(connection, market, timeframe, epoch, begins_ms, to_ms)


def _numbering(
    connection: Connection, market: str, timeframe: str, epoch: int, from_ms: int, to_ms: int
) -> Numbering:
    """Return what candles that open in a range saw of a numbering, and from when to when."""
    packed = packed_proofs(connection, timeframe, market, from_ms, to_ms)
    if packed is None:
        columns = CANDLES.c
        query = select(
            func.min(columns.open_time_ms),
            func.max(columns.open_time_ms) + timeframe_ms(timeframe),
            func.min(columns.first_trade_id),
            func.max(columns.last_trade_id),
            func.coalesce(func.sum(columns.trade_count), 0),
        ).where(_opens(timeframe, market, from_ms, to_ms))
        opens_ms, closes_ms, first_id, last_id, trades = connection.execute(query).one()
    else:
        opens_ms, closes_ms, first_id, last_id, trades = seen(packed)
    return Numbering(
        epoch,
        from_ms if opens_ms is None else opens_ms,
        to_ms if closes_ms is None else closes_ms,
        first_id,
        last_id,
        int(trades),
    )


def _counts_of(
    connection: Connection, timeframe: str, market: str, from_ms: int, to_ms: int
) -> list[Any]:
    packed = packed_proofs(connection, timeframe, market, from_ms, to_ms)
    if packed is not None:
        return [certificates(packed)]
    return _rows(connection, _certificates(timeframe, market, from_ms, to_ms))


def _doubts_of(
    connection: Connection, timeframe: str, market: str, from_ms: int, to_ms: int
) -> list[Any]:
    packed = packed_proofs(connection, timeframe, market, from_ms, to_ms)
    if packed is not None:
        return proven_doubts(packed, timeframe, _LISTED)
    return _rows(connection, _doubts(timeframe, market, from_ms, to_ms))


def _certificates(timeframe: str, market: str, from_ms: int, to_ms: int) -> Select[Any]:
    columns = CANDLES.c
    complete = columns.complete.is_(True)
    counts: list[ColumnElement[Any]] = [
        func.count(),
        func.count().filter(complete),
        func.count().filter(columns.complete.is_(False)),
        func.count().filter(columns.complete.is_(None)),
        func.count().filter(columns.filled.is_(True)),
        func.count().filter(columns.revision > 0),
        func.count().filter(complete, columns.expected_count != columns.trade_count),
        func.max(columns.close_time_ms).filter(columns.complete.is_not(None)),
    ]
    is_closed = columns.state == "closed"
    return select(*counts).where(_opens(timeframe, market, from_ms, to_ms), is_closed)


def _doubts(timeframe: str, market: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Select the runs of candles that are not complete, the newest first.

    Of candles on end the open time grows as the row number does, so the difference tells runs
    apart.
    """
    columns = CANDLES.c
    number = func.row_number().over(partition_by=columns.complete, order_by=columns.open_time_ms)
    rows = (
        select(
            columns.open_time_ms,
            columns.close_time_ms,
            columns.complete,
            (columns.open_time_ms - number * timeframe_ms(timeframe)).label("run"),
        )
        .where(
            _opens(timeframe, market, from_ms, to_ms),
            columns.state == "closed",
            or_(columns.complete.is_(None), columns.complete.is_(False)),
        )
        .subquery()
    )
    since = func.min(rows.c.open_time_ms)
    return (
        select(since, func.max(rows.c.close_time_ms), func.count(), rows.c.complete)
        .group_by(rows.c.complete, rows.c.run)
        .order_by(since.desc())
        .limit(_LISTED)
    )


def _opens(timeframe: str, market: str, from_ms: int, to_ms: int) -> ColumnElement[bool]:
    columns = CANDLES.c
    return and_(
        columns.market == market,
        columns.timeframe == timeframe,
        columns.open_time_ms >= from_ms,
        columns.open_time_ms < to_ms,
    )


def _reaches(table: Table, market: str, from_ms: int, to_ms: int) -> ColumnElement[bool]:
    columns = table.c
    is_open = (columns.state if table is GAPS else columns.end) == "open"
    return and_(
        columns.market == market,
        columns.since_us < to_ms * _US_PER_MS,
        or_(
            columns.since_us >= from_ms * _US_PER_MS,
            columns.until_us > from_ms * _US_PER_MS,
            and_(columns.until_us.is_(None), is_open),
        ),
    )
