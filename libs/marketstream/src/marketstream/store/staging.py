"""Writes batches to PostgreSQL: COPY into a temporary table, and from there in one statement.

That is more than twice as fast as an INSERT a row at a quarter of our own CPU, and a batch may hold
several writings of a row, which one statement alone would refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Double, Integer, MetaData, Table, Text, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from marketstream.store.conflicts import best_first, upsert


class Staging:
    """Writes rows of one table; called with a connection in a transaction, and the rows."""

    def __init__(self, table: Table) -> None:
        dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        position = Column("position", Integer)
        staged = Table(
            f"staged_{table.name}",
            MetaData(),
            position,
            *(Column(column.name, column.type) for column in table.c),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DELETE ROWS",
        )
        # Every time: a transaction that was rolled back took the table it had made with it.
        self._create = str(CreateTable(staged, if_not_exists=True).compile(dialect=dialect))
        quote = dialect.identifier_preparer.quote
        names = ", ".join(quote(column.name) for column in staged.c)
        self._copy = f"COPY {staged.name} ({names}) FROM STDIN (FORMAT BINARY)"
        self._types = [column.type.compile(dialect=dialect).lower() for column in staged.c]
        self._values = [(c.name, _converter(c.type, dialect)) for c in table.c]
        # Of several writings of a row the best, or else the first. In order of the key: of two that
        # write the same rows one waits for the other, and never both.
        key = [staged.c[column.name] for column in table.primary_key]
        rows = (
            select(*(staged.c[column.name] for column in table.c))
            .ext(postgresql.distinct_on(*key))
            .order_by(*key, *best_first(table, staged.c, staged.c.position))
        )
        insert = postgresql.insert(table).from_select([c.name for c in table.c], rows)
        self._insert = upsert(table, insert)

    def __call__(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        """Write the rows; of those of one identity, and what is there already, the right one."""
        connection.exec_driver_sql(self._create)
        with _sqlalchemy_errors(connection, self._copy):
            self._copy_rows(connection, rows)
        connection.execute(self._insert)

    def _copy_rows(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        cursor: Any = connection.connection.cursor()  # psycopg's own
        with cursor, cursor.copy(self._copy) as copy:
            copy.set_types(self._types)
            for position, row in enumerate(rows):
                copy.write_row([position, *[convert(row[name]) for name, convert in self._values]])


def _converter(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    if isinstance(kind, Double):
        return _number
    if isinstance(kind, Text):
        return _text
    return kind.bind_processor(dialect) or _as_it_is


def _number(value: float | None) -> float | None:
    # NaN is no value here, as in SQLite: a column that has to have one refuses it.
    return None if value is None or math.isnan(value) else float(value)


def _text(value: str | None) -> str | None:
    # PostgreSQL keeps no NUL, and a message that holds one must not stop the writing.
    return None if value is None else value.replace("\0", "\ufffd")


def _as_it_is(value: object) -> object:
    return value


@contextmanager
def _sqlalchemy_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Do for COPY, which SQLAlchemy does not know, what it does for a statement that fails."""
    driver: Any = connection.connection.dbapi_connection
    base: type[Exception] = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except base as error:
        if driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, base, connection_invalidated=driver.closed
        ) from error
