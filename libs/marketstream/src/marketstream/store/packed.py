"""Stretches of the past, packed: each a row of the table `packed`, in place of thousands.

What stands both there and in a table, written once more since, is what was packed: it came first.
Of a candle it is the better writing, as in the table itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    select,
)

from marketstream.messages import Candle, Features, Outcome, Prediction
from marketstream.store.conflicts import rank
from marketstream.store.packing import integers, pack, unknown, unpack
from marketstream.store.rows import TABLE_NAMES
from marketstream.store.tables import METADATA, PACKED
from marketstream.timeframes import timeframe_ms

type OfClose = Candle | Features | Prediction | Outcome
type Kind = type[Candle | Features | Prediction | Outcome]

LATENCY = "label_latency_ms"
"""Kept beside outcomes: the latency of their predictions, unknown where there was none."""

_OF_CLOSES: tuple[Kind, ...] = (Features, Prediction, Outcome)
_KINDS: tuple[Kind, ...] = (Candle, *_OF_CLOSES)
_FINE_MS = 60_000  # candles as long as this are few, and stay rows
CLOSES = 600
"""How many of them a stretch has."""
_LONGEST_MS = 86_400_000
FIRST_MS = 1 - 2**63
"""The earliest time that databases hold."""


def stretch_ms(timeframe: str) -> int:
    """Return how long a stretch is: 600 closes, a day at most."""
    return min(CLOSES * timeframe_ms(timeframe), _LONGEST_MS)


def kinds_packed(timeframe: str) -> tuple[Kind, ...]:
    """Return what is packed of a timeframe, predictions before their outcomes."""
    return _KINDS if timeframe_ms(timeframe) < _FINE_MS else _OF_CLOSES


def time_of(kind: Kind) -> str:
    """Return the column by which rows lie in their stretch: of candles that is when they open."""
    return "open_time_ms" if kind is Candle else "close_time_ms"


def of_columns(kind: Kind, columns: Sequence[Any]) -> OfClose:
    """Return the message of a row; a preview, or features of a forming candle, are never stored."""
    if kind is Prediction:
        columns = (*columns[:-5], False, *columns[-5:])
    return kind(*columns)


def read_closes(
    connection: Connection, kind: Kind, market: str, timeframe: str, from_ms: int, to_ms: int
) -> list[Any]:
    """Return what is stored of `[from_ms, to_ms)`, packed or not, by its identity."""
    table = METADATA.tables[TABLE_NAMES[kind]]
    name = time_of(kind)
    time = table.c[name]
    query = (
        select(table)
        .where(_series(table, market, timeframe), time >= from_ms, time < to_ms)
        .order_by(*table.primary_key)
    )
    rows = [of_columns(kind, columns) for columns in connection.execute(query)]
    packed = [
        row
        for data in read_packed(connection, kind, market, timeframe, from_ms, to_ms)
        for row in unpack(kind, data)
        if from_ms <= getattr(row, name) < to_ms
    ]
    return merged(packed, rows) if packed else rows


def read_packed(
    connection: Connection, kind: Kind, market: str, timeframe: str, from_ms: int, to_ms: int
) -> Iterator[bytes]:
    """Yield the stretches that reach into `[from_ms, to_ms)`, in order of time."""
    query = (
        select(PACKED.c.data)
        .where(
            stretches_of(kind, market, timeframe),
            PACKED.c.from_ms < to_ms,
            # What the primary key serves, for times as far as databases go.
            PACKED.c.from_ms > max(from_ms - stretch_ms(timeframe), FIRST_MS),
        )
        .order_by(PACKED.c.from_ms)
    )
    yield from connection.execute(query).scalars()


def close_span(
    connection: Connection, kind: Kind, market: str, timeframe: str
) -> tuple[int, int] | None:
    """Return the first and the last close of what is stored, packed or not; None without any."""
    times = [_end_ms(connection, end, kind, market, timeframe) for end in (func.min, func.max)]
    for place in (PACKED.c.from_ms.asc(), PACKED.c.from_ms.desc()):
        stretches = select(PACKED.c.data).where(stretches_of(kind, market, timeframe))
        data = connection.execute(stretches.order_by(place).limit(1)).scalar_one_or_none()
        if data is not None:
            times += integers(data, "close_time_ms")[0].tolist()
    known = [time_ms for time_ms in times if time_ms is not None]
    return (min(known), max(known)) if known else None


def packed_until(connection: Connection, kind: Kind, market: str, timeframe: str) -> int:
    """Return up to when closes are packed; of those before, rows that came later wait to be.

    Stretches of a timeframe are all as long, and begin at multiples of that.
    """
    stretches = select(PACKED.c.to_ms).where(stretches_of(kind, market, timeframe))
    newest = stretches.order_by(PACKED.c.from_ms.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none() or 0


def packed_counts(connection: Connection) -> Mapping[str, int]:
    """Return how many rows of each table are packed."""
    query = select(PACKED.c.kind, func.sum(PACKED.c.rows)).group_by(PACKED.c.kind)
    return {kind: int(rows) for kind, rows in connection.execute(query)}


def pack_oldest(connection: Connection, market: str, timeframe: str, before_ms: int) -> int:
    """Pack the stretch of the oldest rows, if it ends before a time; return how many they were."""
    length_ms = stretch_ms(timeframe)
    kinds = kinds_packed(timeframe)
    oldest = [_end_ms(connection, func.min, kind, market, timeframe) for kind in kinds]
    known = [time_ms for time_ms in oldest if time_ms is not None]
    if not known:
        return 0
    from_ms = min(known) // length_ms * length_ms
    if from_ms + length_ms > before_ms:
        return 0
    stretch = (market, timeframe, from_ms, from_ms + length_ms)
    taken = 0
    latencies: dict[object, int | None] = {}
    for kind in kinds:
        rows = take(connection, kind, *stretch)
        taken += len(rows)
        data = _take_packed(connection, kind, *stretch)
        if data is not None:
            packed = unpack(kind, data)
            if kind is Outcome:  # its predictions may be stored no longer
                latencies = _latencies(packed, data) | latencies
            rows = merged(packed, rows)
        if kind is Prediction:
            latencies = {row.identity: row.label_latency_ms for row in rows}
        also = {LATENCY: [latencies.get(row.identity) for row in rows]} if kind is Outcome else {}
        if rows:
            _keep(connection, kind, rows, also, *stretch)
    return taken


def unpack_all(connection: Connection) -> None:
    """Put features, predictions and outcomes back: the way to a schema that packs none of it.

    Tables may be older than this program's, and lack columns.
    """
    stretches = select(PACKED.c.market, PACKED.c.timeframe, PACKED.c.from_ms, PACKED.c.to_ms)
    for kind in _OF_CLOSES:
        table = METADATA.tables[TABLE_NAMES[kind]]
        names = [column["name"] for column in inspect(connection).get_columns(table.name)]
        of_key = and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))
        for stretch in connection.execute(stretches.where(PACKED.c.kind == table.name)).all():
            packed = read_packed(connection, kind, *stretch)
            rows = merged([row for data in packed for row in unpack(kind, data)], [])
            keys = [
                {f"key_{column.name}": getattr(row, column.name) for column in table.primary_key}
                for row in rows
            ]
            connection.execute(delete(table).where(of_key), keys)  # what came later
            columns = [{name: getattr(row, name) for name in names} for row in rows]
            connection.execute(insert(table), columns)


def forget_packed(
    connection: Connection, table: str, market: str, timeframe: str, before_ms: int
) -> int:
    """Delete the stretches that end before a time; return how many rows they held."""
    old = and_(
        PACKED.c.kind == table,
        PACKED.c.market == market,
        PACKED.c.timeframe == timeframe,
        PACKED.c.to_ms <= before_ms,
    )
    return sum(connection.execute(delete(PACKED).where(old).returning(PACKED.c.rows)).scalars())


def _series(table: Table, market: str, timeframe: str) -> ColumnElement[bool]:
    return and_(table.c.market == market, table.c.timeframe == timeframe)


def stretches_of(kind: Kind, market: str, timeframe: str) -> ColumnElement[bool]:
    """Return what tells the stretches of a series."""
    return and_(PACKED.c.kind == TABLE_NAMES[kind], _series(PACKED, market, timeframe))


def _end_ms(
    connection: Connection, end: Callable[..., Any], kind: Kind, market: str, timeframe: str
) -> int | None:
    """Return the close at one end, `func.min` or `func.max`, of what is not packed.

    One at a time: databases take each from the index, and both together from the table.
    """
    table = METADATA.tables[TABLE_NAMES[kind]]
    closes = select(end(table.c[time_of(kind)])).where(_series(table, market, timeframe))
    end_ms: int | None = connection.execute(closes).scalar_one()
    return end_ms


def take(
    connection: Connection, kind: Kind, market: str, timeframe: str, from_ms: int, to_ms: int
) -> list[Any]:
    """Delete rows and return them, in one statement: what is written meanwhile stays."""
    table = METADATA.tables[TABLE_NAMES[kind]]
    time = table.c[time_of(kind)]
    of_stretch = and_(_series(table, market, timeframe), time >= from_ms, time < to_ms)
    taken = connection.execute(delete(table).where(of_stretch).returning(*table.c))
    return merged([], [of_columns(kind, columns) for columns in taken])


def _take_packed(
    connection: Connection, kind: Kind, market: str, timeframe: str, from_ms: int, to_ms: int
) -> bytes | None:
    """Delete what is packed of a stretch and return it, in one statement.

    So another storekeeper that packs the same one has either all of it, or none and an error where
    it would write its own.
    """
    del to_ms
    of_stretch = and_(stretches_of(kind, market, timeframe), PACKED.c.from_ms == from_ms)
    taken = connection.execute(delete(PACKED).where(of_stretch).returning(PACKED.c.data))
    return taken.scalar_one_or_none()


def _latencies(outcomes: Sequence[Any], data: bytes) -> dict[object, int | None]:
    """Return the latencies that were kept beside packed outcomes, where they are known."""
    (kept,) = integers(data, LATENCY)
    return {
        row.identity: value
        for row, value, is_unknown in zip(outcomes, kept.tolist(), unknown(kept), strict=True)
        if not is_unknown
    }


def _keep(
    connection: Connection,
    kind: Kind,
    rows: Sequence[OfClose],
    also: Mapping[str, Sequence[int | None]],
    market: str,
    timeframe: str,
    from_ms: int,
    to_ms: int,
) -> None:
    connection.execute(
        insert(PACKED).values(
            kind=TABLE_NAMES[kind],
            market=market,
            timeframe=timeframe,
            from_ms=from_ms,
            to_ms=to_ms,
            rows=len(rows),
            data=pack(rows, also),
        )
    )


def merged(packed: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """Return rows of both in order of their identity.

    Of two that have the same the packed one stays, of a candle's writings the better one.
    """
    of_identity = {row.identity: row for row in (*rows, *packed)}
    for row in rows:
        if isinstance(row, Candle) and rank(row) > rank(of_identity[row.identity]):
            of_identity[row.identity] = row
    return [row for _, row in sorted(of_identity.items())]
