"""What candles are known to hold, counted where they are packed: by columns, stretch by stretch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from marketstream.columns import Integers
from marketstream.messages import Candle
from marketstream.store.packed import read_packed
from marketstream.store.packing import integers, unknown, words
from marketstream.store.tables import CANDLES
from marketstream.timeframes import timeframe_ms

type _Flags = NDArray[np.bool_]

_UNKNOWN = np.iinfo(np.int64).min
_TIMES_AND_COUNTS = (
    "open_time_ms", "close_time_ms", "first_trade_id", "last_trade_id", "trade_count",
    "expected_count", "revision",
)  # fmt: skip
_READ = (*_TIMES_AND_COUNTS, "complete", "filled", "state")


class Proofs(NamedTuple):
    """Columns of candles; what is not known of a number is `unknown`."""

    opens_ms: Integers
    closes_ms: Integers
    first_ids: Integers
    last_ids: Integers
    trades: Integers
    expected: Integers
    revisions: Integers
    complete: _Flags
    incomplete: _Flags
    filled: _Flags
    closed: _Flags

    @classmethod
    def of_rows(cls, rows: Iterable[Any]) -> Self:
        """Return the columns of rows of `_READ`."""
        columns = list(zip(*rows, strict=True)) or [()] * len(_READ)
        numbers = [
            np.array([_UNKNOWN if value is None else value for value in column], np.int64)
            for column in columns[: len(_TIMES_AND_COUNTS)]
        ]
        complete, filled, state = columns[len(_TIMES_AND_COUNTS) :]
        flags = [
            np.array([value == wanted for value in column], np.bool_)
            for column, wanted in ((complete, True), (complete, False), (filled, True))
        ]
        closed = np.array([value == "closed" for value in state], np.bool_)
        return cls._make([*numbers, *flags, closed])

    @classmethod
    def of_packed(cls, data: bytes) -> Self:
        """Return the columns of a stretch."""
        complete, filled, state = words(Candle, data, "complete", "filled", "state")
        flags = (complete.having(True), complete.having(False), filled.having(True))  # noqa: FBT003
        numbers = integers(data, *_TIMES_AND_COUNTS)
        return cls._make([*numbers, *flags, state.having("closed")])

    def where(self, kept: NDArray[Any]) -> Proofs:
        """Return some of them, in the order wanted."""
        return Proofs._make(column[kept] for column in self)

    def with_rows(self, rows: Proofs) -> Proofs:
        """Return them with what stands in the table beside: of two writings the better one."""
        both = Proofs._make(np.concatenate(two) for two in zip(rows, self, strict=True))
        came_first = np.arange(len(both.opens_ms)) >= len(rows.opens_ms)
        order = np.lexsort((came_first, both.revisions, both.closed, both.opens_ms))
        opens = both.opens_ms[order]
        return both.where(order[np.append(opens[1:] != opens[:-1], True)])


def packed_proofs(
    connection: Connection, timeframe: str, market: str, from_ms: int, to_ms: int
) -> Iterator[Proofs] | None:
    """Return the candles that open in a range, in parts, None where nothing of it is packed."""
    stretches = read_packed(connection, Candle, market, timeframe, from_ms, to_ms)
    first = next(stretches, None)
    if first is None:
        return None
    return _parts([first, *stretches], connection, timeframe, market, from_ms, to_ms)


def _parts(
    stretches: list[bytes],
    connection: Connection,
    timeframe: str,
    market: str,
    from_ms: int,
    to_ms: int,
) -> Iterator[Proofs]:
    columns = CANDLES.c
    query = select(*(columns[name] for name in _READ)).where(
        columns.market == market,
        columns.timeframe == timeframe,
        columns.open_time_ms >= from_ms,
        columns.open_time_ms < to_ms,
    )
    rows = Proofs.of_rows(map(tuple, connection.execute(query)))
    for data in stretches:
        packed = Proofs.of_packed(data)
        begin_ms, end_ms = packed.opens_ms[0], packed.opens_ms[-1]
        beside = (rows.opens_ms >= begin_ms) & (rows.opens_ms <= end_ms)
        if beside.any():
            packed = packed.with_rows(rows.where(beside))
            rows = rows.where(~beside)
        yield packed.where((packed.opens_ms >= from_ms) & (packed.opens_ms < to_ms))
    yield rows


def seen(
    parts: Iterable[Proofs],
) -> tuple[int | None, int | None, int | None, int | None, int]:
    """Return first open and last close, first and last id of candles, and how many trades."""
    opens: list[int] = []
    closes: list[int] = []
    firsts: list[int] = []
    lasts: list[int] = []
    trades = 0
    for part in parts:
        if len(part.opens_ms):
            opens.append(int(part.opens_ms.min()))
            closes.append(int(part.closes_ms.max()))
        firsts += part.first_ids[~unknown(part.first_ids)].tolist()
        lasts += part.last_ids[~unknown(part.last_ids)].tolist()
        trades += int(part.trades.sum())
    return (
        min(opens, default=None), max(closes, default=None),
        min(firsts, default=None), max(lasts, default=None), trades,
    )  # fmt: skip


def certificates(parts: Iterable[Proofs]) -> tuple[Any, ...]:
    """Return the counts of `CandleCounts`."""
    counts, proven_ms = np.zeros(7, np.int64), None
    for part in parts:
        one = part.where(part.closed)
        surplus = one.complete & ~unknown(one.expected) & (one.expected != one.trades)
        is_unknown = ~one.complete & ~one.incomplete
        counts += [
            len(one.opens_ms), one.complete.sum(), one.incomplete.sum(), is_unknown.sum(),
            one.filled.sum(), (one.revisions > 0).sum(), surplus.sum(),
        ]  # fmt: skip
        known_ms = one.closes_ms[~is_unknown]
        if len(known_ms):
            proven_ms = max(proven_ms or 0, int(known_ms.max()))
    return (*counts.tolist(), proven_ms)


def doubts(
    parts: Iterable[Proofs], timeframe: str, most: int
) -> list[tuple[int, int, int, bool | None]]:
    """Return the runs of closed candles that are not complete, the newest first."""
    found: list[tuple[int, int, int, bool | None]] = []
    kept = [part.where(part.closed & ~part.complete) for part in parts]
    for is_incomplete in (False, True):
        of_kind = [part.where(part.incomplete == is_incomplete) for part in kept]
        opens = np.concatenate([part.opens_ms for part in of_kind])
        closes = np.concatenate([part.closes_ms for part in of_kind])
        order = np.argsort(opens)
        opens, closes = opens[order], closes[order]
        ends = np.flatnonzero(np.diff(opens) != timeframe_ms(timeframe)) + 1
        for run, until in zip(np.split(opens, ends), np.split(closes, ends), strict=True):
            if len(run):
                verdict = False if is_incomplete else None
                found.append((int(run[0]), int(until.max()), len(run), verdict))
    return sorted(found, key=lambda one: one[0], reverse=True)[:most]
