"""MLflow's SQLite file, seen to before MLflow opens it, and what is behind its errors."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_SQLITE = "sqlite:///"


def prepare_file(uri: str) -> str | None:
    """Make sure that a SQLite file can be used; return where its artifacts go.

    MLflow would go on trying for minutes to open a file that it cannot open. With a write-ahead log
    readers never wait for a writer.
    """
    if not uri.startswith(_SQLITE):
        return None
    path = Path(uri.removeprefix(_SQLITE)).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return (path.parent / "mlflow-artifacts").as_uri()


def root_cause(error: BaseException) -> str:
    """Return the first line of what an error goes back to: what is wrapped around it is SQL."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [repr(error)])[0]
