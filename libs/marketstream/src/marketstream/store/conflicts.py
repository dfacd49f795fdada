"""Which writing of a row stays: a candle's best, the newest of gaps and stalls, else the first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, case, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from marketstream.messages import Candle
from marketstream.store.tables import CANDLES, GAPS, STALLS

type Columns = ReadOnlyColumnCollection[str, Any]


def best_first(
    table: Table, columns: Columns, position: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    """Return the order in which, of several writings of a row in a batch, the first one stays.

    `columns` are those of `table`, from wherever the writings are read, `position` their place in
    the batch.
    """
    if table is CANDLES:
        return [*(column.desc() for column in _rank(columns)), position]
    if table is GAPS or table is STALLS:
        in_turn = case((_is_open(table, columns), -position), else_=position)
        return [_finality(table, columns).desc(), in_turn]
    return [position]


def upsert[Insert: (postgresql.Insert, sqlite.Insert)](table: Table, insert: Insert) -> Insert:
    """Return the insert into `table` that leaves alone what has to stay."""
    key = list(table.primary_key)
    old, new = table.c, insert.excluded
    if table is CANDLES:
        where: ColumnElement[bool] = tuple_(*_rank(new)) > tuple_(*_rank(old))
    elif table is GAPS or table is STALLS:
        where = _is_open(table, old) | (_finality(table, new) > _finality(table, old))
    else:
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(
        index_elements=key,
        set_={column.name: new[column.name] for column in old if not column.primary_key},
        where=where,
    )


def rank(candle: Candle) -> tuple[bool, int]:
    """Return what makes one writing of a candle better than another, as the tables have it."""
    return candle.state == "closed", candle.revision


def _is_open(table: Table, columns: Columns) -> ColumnElement[bool]:
    """Say whether a gap or stall has not turned out to be something yet."""
    return (columns.state if table is GAPS else columns.end) == "open"  # type: ignore[no-any-return]


def _finality(table: Table, columns: Columns) -> ColumnElement[int]:
    """Return what makes one writing of a gap or stall outlast another: what was lost may come."""
    if table is STALLS:
        return case((columns.end == "open", 0), else_=1)
    return case((columns.state == "open", 0), (columns.state == "lost", 1), else_=2)


def _rank(columns: Columns) -> list[ColumnElement[Any]]:
    """Return what makes one writing of a candle better than another: closed, then revised more."""
    return [columns.state == "closed", columns.revision]
