"""What the store asks of its tables: the rows of a market, in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, case, func, select

from marketstream.messages import DeadLetter
from marketstream.store.port import EVER_MS
from marketstream.store.tables import CANDLES, DEAD_LETTERS, GAPS, MODELS, SCORE_SUMS, STALLS


def candles_before(market: str, timeframe: str, before_ms: int, count: int) -> Select[Any]:
    """Ask for so many candles that open before a time, the newest first."""
    time = CANDLES.c.open_time_ms
    before = _candles(market, timeframe).where(time < storable(before_ms))
    return before.order_by(time.desc()).limit(count)


def moves_in(table: Table, market: str, timeframe: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Ask for the forecasts of how far, or their outcomes, of closes in a range."""
    columns = table.c
    return (
        select(table)
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            *_within(columns.close_time_ms, from_ms, to_ms),
        )
        .order_by(columns.close_time_ms, columns.horizon_ms, columns.target)
    )


def models_in(market: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Ask for the models that began to serve in a range."""
    columns = MODELS.c
    return (
        select(MODELS)
        .where(columns.market == market, *_within(columns.since_ms, from_ms, to_ms))
        .order_by(columns.since_ms, *MODELS.primary_key)
    )


def newest_model(market: str, timeframe: str, horizon_ms: int) -> Select[Any]:
    """Ask for the model that began to serve last."""
    columns = MODELS.c
    return (
        select(MODELS)
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            columns.horizon_ms == horizon_ms,
        )
        .order_by(columns.since_ms.desc(), columns.trained_at_ms.desc(), columns.version.desc())
        .limit(1)
    )


def seals_of(table: Table, market: str, timeframe: str) -> Select[Any]:
    """Ask for all seals of a market's predictions or outcomes."""
    columns = table.c
    return (
        select(table)
        .where(columns.market == market, columns.timeframe == timeframe)
        .order_by(columns.from_ms)
    )


def score_sums_in(market: str, timeframe: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Ask for the sums of closes in a range."""
    columns = SCORE_SUMS.c
    return (
        select(SCORE_SUMS)
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            *_within(columns.from_ms, from_ms, to_ms),
        )
        .order_by(columns.from_ms)
    )


def gaps_in(market: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Ask for the gaps that begin in a range."""
    return _gaps(market).where(*_within(GAPS.c.since_us, from_ms * 1_000, to_ms * 1_000))


def open_gaps(market: str) -> Select[Any]:
    """Ask for the gaps that have neither been repaired nor given up."""
    return _gaps(market).where(GAPS.c.state == "open")


def newest_numbering(market: str) -> Select[Any]:
    """Ask for the numbering that ids are of, and since when: a gap without ids ends its own."""
    columns = GAPS.c
    is_end = columns.first_id == columns.end_id
    until_us = func.coalesce(columns.until_us, columns.since_us)
    return select(
        func.max(columns.epoch + case((is_end, 1), else_=0)),
        func.max(case((is_end, until_us), else_=0)),
    ).where(columns.market == market)


def stalls_in(market: str, from_ms: int, to_ms: int) -> Select[Any]:
    """Ask for the stalls that begin in a range."""
    columns = STALLS.c
    return (
        select(STALLS)
        .where(
            columns.market == market,
            *_within(columns.since_us, from_ms * 1_000, to_ms * 1_000),
        )
        .order_by(columns.since_us, columns.channel)
    )


def newest_dead_letters(limit: int) -> Select[Any]:
    """Ask for so many dead letters, the newest first."""
    columns = DEAD_LETTERS.c
    return (
        select(*(columns[name] for name in DeadLetter.__struct_fields__))
        .order_by(columns.received_us.desc(), columns.digest)
        .limit(limit)
    )


def storable(time: int) -> int:
    """Return a time, or of one beyond the database's 63 bits what can be stored."""
    return max(-EVER_MS, min(time, EVER_MS))


def _candles(market: str, timeframe: str) -> Select[Any]:
    return select(CANDLES).where(CANDLES.c.market == market, CANDLES.c.timeframe == timeframe)


def _gaps(market: str) -> Select[Any]:
    ordered = select(GAPS).order_by(GAPS.c.since_us, *GAPS.primary_key)
    return ordered.where(GAPS.c.market == market)


def _within(column: Column[int], since: int, until: int) -> tuple[ColumnElement[bool], ...]:
    return column >= storable(since), column < storable(until)
