"""Counts what came of the predictions of each model version, without reading them one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Select, func, select

from marketstream.messages import Outcome
from marketstream.store.ledger import timeframes_of
from marketstream.store.packed import packed_until, read_packed
from marketstream.store.packing import integers, words
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
        packed_ms = packed_until(connection, Outcome, market, timeframe)
        stretches = (from_ms, min(to_ms, packed_ms))
        blocks = [
            block
            for data in read_packed(connection, Outcome, market, timeframe, *stretches)
            for block in _of_packed(data, *stretches)
        ]
        rows = connection.execute(_blocks(market, timeframe, max(from_ms, packed_ms), to_ms))
        blocks += [_Block(*row) for row in rows]
        blocks.sort(key=_of_version)
        found += [
            _served(timeframe, *version, list(of_version))
            for version, of_version in groupby(blocks, key=_of_version)
        ]
    return found


class _Block(NamedTuple):
    """What came of a version's predictions in a block of time; a stretch may end within one."""

    horizon_ms: int
    version: str
    number: int
    first_close_ms: int
    last_close_ms: int
    outcomes: int
    abstained: int
    flat: int
    right: int
    inside: int

    @property
    def moved(self) -> int:
        return self.outcomes - self.abstained - self.flat


def _of_version(block: _Block) -> tuple[int, str]:
    return block.horizon_ms, block.version


def _blocks(market: str, timeframe: str, from_ms: int, to_ms: int) -> Select[Any]:
    columns = OUTCOMES.c
    block = columns.close_time_ms // (HORIZONS_PER_BLOCK * columns.horizon_ms)
    key = (columns.horizon_ms, columns.model_version, block)
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
        .group_by(*key)
    )


def _of_packed(data: bytes, from_ms: int, to_ms: int) -> Iterator[_Block]:
    closes, horizons = integers(data, "close_time_ms", "horizon_ms")
    names = ("model_version", "role", "verdict", "inside", "late")
    version, role, verdict, inside, late = words(Outcome, data, *names)
    rows = role.having("champion") & late.having(False)  # noqa: FBT003
    rows &= (closes >= from_ms) & (closes < to_ms)
    numbers = closes // (HORIZONS_PER_BLOCK * horizons)
    lengths, length = np.unique(horizons, return_inverse=True)
    key = (numbers * len(lengths) + length) * len(version.values) + version.codes
    _, first_rows, block = np.unique(key[rows], return_index=True, return_inverse=True)
    said = [verdict.having(one) for one in ("abstained", "flat", "right")]
    counted = [np.bincount(block, each[rows]) for each in (rows, *said, inside.having(True))]  # noqa: FBT003
    first, last = closes[rows][first_rows], np.full(len(first_rows), from_ms)
    np.maximum.at(last, block, closes[rows])
    keys = [each[rows][first_rows] for each in (horizons, version.codes, numbers)]
    columns = np.stack([*keys, first, last, *counted]).astype(int).T.tolist()
    yield from (_Block(row[0], version.values[row[1]], *row[2:]) for row in columns)


def _served(timeframe: str, horizon_ms: int, version: str, blocks: Sequence[_Block]) -> Served:
    moved: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for block in blocks:
        moved[block.number] += block.moved
        right[block.number] += block.right
    return Served(
        timeframe,
        horizon_ms,
        version,
        min(block.first_close_ms for block in blocks),
        max(block.last_close_ms for block in blocks),
        sum(block.outcomes for block in blocks),
        sum(block.abstained for block in blocks),
        sum(block.flat for block in blocks),
        sum(block.inside for block in blocks),
        tuple(moved[number] for number in sorted(moved)),
        tuple(right[number] for number in sorted(moved)),
    )
