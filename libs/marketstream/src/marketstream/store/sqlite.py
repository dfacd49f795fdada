"""Opens SQLite files: the folder, the pragmas, the transactions, and what its errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from marketstream.errors import SettingsError, StateError, TransientStateError
from marketstream.store.backend import Backend, Insert
from marketstream.store.conflicts import upsert

_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",  # first: the others may have to wait for another process
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",  # a power cut may lose the last commits, never the file
    "PRAGMA foreign_keys = ON",
)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MOST_CHECKED_BYTES = (
    512 << 20
)  # a second; of a longer file what is damaged is found when it is read
_ELSEWHERE = "or choose another folder with --state"


def open_sqlite(url: URL) -> Engine:
    """Open a file, making it and its folder where they are missing, and check that it is sound.

    Raises SettingsError where the URL names no file, StateError where the file cannot be used.
    """
    if url.database in (None, "", ":memory:"):
        raise SettingsError(f"{url} names no file: write sqlite:///state/realtime.sqlite")
    _make_folder(Path(str(url.database)))
    # No isolation level: the driver would start transactions late, and leave DDL outside of them.
    engine = create_engine(url, connect_args={"isolation_level": None})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    try:
        _check(engine, str(url.database))
    except BaseException:
        engine.dispose()
        raise
    return engine


def _explain(url: URL, error: DBAPIError) -> StateError:
    """Return what an error of the driver means, and what can be done about it."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the rest says more than is needed here
    if code in _DAMAGED:
        return _damaged(str(url.database), str(cause))
    if code == sqlite3.SQLITE_BUSY:
        return TransientStateError(
            f"{url.database} is in use by another program: stop it {_ELSEWHERE}"
        )
    return StateError(
        f"{url.database} cannot be used ({cause}): "
        f"see that it is this program's, can be written and the disk has room, {_ELSEWHERE}"
    )


def _insert(table: Table) -> Insert:
    statement = upsert(table, sqlite.insert(table))
    return lambda connection, rows: connection.execute(statement, rows)


def _damaged(path: str, reason: str) -> StateError:
    return StateError(f"{path} is damaged ({reason}): move it away {_ELSEWHERE}")


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_folder = path.is_dir()
    except (FileExistsError, NotADirectoryError) as error:
        raise StateError(
            f"{path.parent} is a file, or lies in one, and a folder is needed: "
            f"move the file away {_ELSEWHERE}"
        ) from error
    except OSError as error:
        raise StateError(
            f"{path.parent} cannot be used as a folder ({error.strerror}): "
            f"make it writable {_ELSEWHERE}"
        ) from error
    if is_folder:
        raise StateError(f"{path} is a folder, and a file is needed: move it away {_ELSEWHERE}")


def _check(engine: Engine, path: str) -> None:
    with engine.connect() as connection:
        if Path(path).stat().st_size > _MOST_CHECKED_BYTES:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            return
        found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    if found != "ok":
        raise _damaged(path, " ".join(found.split()))


def _set_pragmas(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    del entry
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that starts by reading cannot wait for its turn to write; one that will write
    # says so at its start.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


SQLITE = Backend(
    open=open_sqlite,
    insert=_insert,
    explain=_explain,
    place=lambda url: str(url.database),
    elsewhere=_ELSEWHERE,
)
