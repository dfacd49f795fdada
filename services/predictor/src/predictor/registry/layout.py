"""MLflow's SQLite file, whole before MLflow opens it, whenever a process was killed before.

MLflow lays out its tables in dozens of steps that each stand by themselves; what is left of them
after a kill in between, such as `_alembic_tmp_runs`, keeps it from ever going on. So they are taken
in a file beside, which is copied over the one that counts in a single transaction.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_LEFT_OVER = "_alembic_tmp_"
_PARTS = ("-wal", "-shm", "-journal", "")


@dataclass(frozen=True, slots=True)
class Schema:
    """The revisions of MLflow's tables, the newest last, and what brings a file at a path there."""

    revisions: Sequence[str]
    migrate: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Layout:
    """What was done: whether the file began anew, and what has to be said of it."""

    new: bool = False
    said: str | None = None


def lay_out(path: Path, schema: Schema) -> Layout:
    """Have a file hold all tables of a schema; what cannot be mended of it is moved aside.

    A file of a schema not known here is left as it is. Raises sqlite3.Error for what is no
    database, and whatever keeps a file from being written.
    """
    with _alone(path):
        tables, revision = _look(path)
        left_over = [name for name in tables if name.startswith(_LEFT_OVER)]
        if revision is not None and revision not in schema.revisions:
            return Layout()
        if revision == schema.revisions[-1] and not left_over:
            return Layout()
        if not tables:
            _make(path, schema, copied=False)
            return Layout(new=True)
        try:
            _make(path, schema, copied=True)
        except Exception as error:
            if not _is_of_the_tables(error):
                raise
            aside = _move_aside(path)
            _make(path, schema, copied=False)
            return Layout(
                new=True,
                said=f"{path.name} was half laid out and could not be mended: it is {aside.name} "
                "now, and a new one begins",
            )
        return Layout(said=f"{path.name} was half laid out or old, and has been migrated")


def _make(path: Path, schema: Schema, *, copied: bool) -> None:
    """Migrate a copy of a file, or an empty one, and put what comes of it in the file's place."""
    beside = path.with_name(f"{path.name}.new")
    _remove(beside)
    if copied:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(beside)) as target:
            source.backup(target)
            for name in _look(beside)[0]:
                if name.startswith(_LEFT_OVER):
                    target.execute(f'DROP TABLE "{name}"')
    schema.migrate(beside)
    with closing(sqlite3.connect(beside)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    _remove(beside)


def _look(path: Path) -> tuple[list[str], str | None]:
    """Return the tables of a file, and the revision it says it has."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [str(name) for (name,) in found]
        if "alembic_version" not in tables:
            return tables, None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return tables, None if row is None else str(row[0])


def _is_of_the_tables(error: BaseException) -> bool:
    """Say whether the tables are at fault: not a disk that is full, or somebody who holds them."""
    while error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_ERROR


def _move_aside(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # all of it is in one file then
    number = 1
    while (aside := path.with_name(f"{path.name}.unusable-{number}")).exists():
        number += 1
    path.replace(aside)
    return aside


def _remove(path: Path) -> None:
    for suffix in _PARTS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process lays out files in the folder; a lock ends with its process."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
