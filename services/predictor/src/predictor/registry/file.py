"""MLflow's SQLite file, seen to before MLflow opens it, and what is behind its errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from predictor.registry.layout import Layout, Schema, lay_out

_SQLITE = "sqlite:///"


def file_of(uri: str) -> Path | None:
    """Return which SQLite file a tracking URI means; None where it means none."""
    return Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None


def uri_of(path: Path) -> str:
    """Return the tracking URI of a SQLite file."""
    return f"{_SQLITE}{path}"


def prepare_file(path: Path, schema: Callable[[], Schema]) -> Layout:
    """Make sure that a SQLite file can be used, and holds what MLflow needs in there.

    MLflow would go on trying for minutes to open a file that it cannot open. With a write-ahead log
    readers never wait for a writer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return lay_out(path, schema())


def root_cause(error: BaseException) -> str:
    """Return the first line of what an error goes back to: what is wrapped around it is SQL."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [repr(error)])[0]
