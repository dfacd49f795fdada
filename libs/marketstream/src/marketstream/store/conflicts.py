"""Which writing of a row stays: of a candle the best one, of everything else the first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from marketstream.store.tables import CANDLES


def rank(table: Table, columns: ReadOnlyColumnCollection[str, Any]) -> list[ColumnElement[Any]]:
    """Return what makes one writing of a row better than another; nothing where the first stays.

    `columns` are those of `table`, from wherever the writings are read. A closed candle is better
    than a forming one, then the one of the higher revision.
    """
    return [columns.state == "closed", columns.revision] if table is CANDLES else []


def upsert[Insert: (postgresql.Insert, sqlite.Insert)](table: Table, insert: Insert) -> Insert:
    """Return the insert into `table` that leaves alone what has to stay."""
    key = list(table.primary_key)
    old, new = table.c, insert.excluded
    if not rank(table, old):
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(
        index_elements=key,
        set_={column.name: new[column.name] for column in old if not column.primary_key},
        where=tuple_(*rank(table, new)) > tuple_(*rank(table, old)),
    )
