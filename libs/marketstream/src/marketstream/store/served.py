"""Counts what came of the predictions of each model version, without reading them one by one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from marketstream.store.ledger import timeframes_of
from marketstream.store.tables import OUTCOMES
from marketstream.uncertainty import HORIZONS_PER_BLOCK


class Served(NamedTuple):
    """What came of the predictions that a version of a model served at closes in a range.

    `outcomes` are all that are known, `inside` those whose price ended within the bounds. Of those
    where the price moved and the model had not abstained, `moved` and `right` count those of each
    block of time, three horizons long: neighbouring rows say the same.
    """

    timeframe: str
    horizon_ms: int
    version: str
    first_close_ms: int
    last_close_ms: int
    outcomes: int
    abstained: int
    flat: int
    inside: int
    moved: tuple[int, ...]
    right: tuple[int, ...]


def read_served(connection: Connection, market: str, from_ms: int, to_ms: int) -> list[Served]:
    """Return what was served at closes in `[from_ms, to_ms)`, by timeframe, horizon and version."""
    found = []
    for timeframe in timeframes_of(connection, market):  # so that the primary key serves
        rows = connection.execute(_blocks(market, timeframe, from_ms, to_ms))
        found += [_served(blocks) for _, blocks in groupby(rows, key=lambda row: tuple(row[:3]))]
    return found


def _blocks(market: str, timeframe: str, from_ms: int, to_ms: int) -> Select[Any]:
    columns = OUTCOMES.c
    key = (columns.timeframe, columns.horizon_ms, columns.model_version)
    block = columns.close_time_ms // (HORIZONS_PER_BLOCK * columns.horizon_ms)
    return (
        select(
            *key,
            func.min(columns.close_time_ms),
            func.max(columns.close_time_ms),
            func.count(),
            *(
                func.count().filter(columns.verdict == one)
                for one in ("abstained", "flat", "right")
            ),
            func.count().filter(columns.inside.is_(True)),
        )
        .where(
            columns.market == market,
            columns.timeframe == timeframe,
            columns.close_time_ms >= from_ms,
            columns.close_time_ms < to_ms,
            columns.role == "champion",
            columns.late.is_(False),
        )
        .group_by(*key, block)
        .order_by(*key, block)
    )


def _served(blocks: Iterable[Any]) -> Served:
    every = [tuple(block) for block in blocks]
    timeframe, horizon_ms, version = every[0][:3]
    first_ms, last_ms, outcomes, abstained, flat, right, inside = zip(
        *(block[3:] for block in every), strict=True
    )
    moved = tuple(
        all_of - silent - still
        for all_of, silent, still in zip(outcomes, abstained, flat, strict=True)
    )
    return Served(
        timeframe,
        horizon_ms,
        version,
        min(first_ms),
        max(last_ms),
        sum(outcomes),
        sum(abstained),
        sum(flat),
        sum(inside),
        moved,
        right,
    )
