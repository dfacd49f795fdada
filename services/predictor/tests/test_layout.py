"""MLflow's file is whole after any kill, and what can be mended is not given up."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from predictor.registry.layout import Layout, Schema, lay_out

REVISIONS = ("first", "second", "third")


def migrate(path: Path) -> None:
    """Make one table for each revision, each for itself, as MLflow's own migrations do."""
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        for revision in REVISIONS[0 if row is None else REVISIONS.index(row[0]) + 1 :]:
            connection.execute(f"CREATE TABLE _alembic_tmp_{revision} (value TEXT)")
            connection.execute(f"ALTER TABLE _alembic_tmp_{revision} RENAME TO of_{revision}")
            connection.execute("DELETE FROM alembic_version")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))


SCHEMA = Schema(REVISIONS, migrate)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


WHOLE = {"alembic_version", "of_first", "of_second", "of_third"}


def test_a_file_that_is_missing_is_laid_out_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    assert lay_out(path, SCHEMA) == Layout(new=True)
    assert tables(path) == WHOLE
    assert lay_out(path, SCHEMA) == Layout()
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_dropped_and_the_rest_goes_on_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    (tmp_path / "mlflow.sqlite.new").write_text("of an earlier kill")
    run(
        path,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('first')",
        "CREATE TABLE of_first (value TEXT)",
        "INSERT INTO of_first VALUES ('kept')",
        "CREATE TABLE _alembic_tmp_second (value TEXT)",
    )
    done = lay_out(path, SCHEMA)
    assert (done.new, done.said) == (
        False,
        "mlflow.sqlite was half laid out or old, and has been migrated",
    )
    assert tables(path) == WHOLE
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT value FROM of_first").fetchall() == [("kept",)]
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_mended_is_kept_aside_and_a_new_file_begins(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    for number in (1, 2):
        run(
            path,
            "DROP TABLE IF EXISTS alembic_version",
            "CREATE TABLE IF NOT EXISTS of_first (value TEXT)",
        )
        done = lay_out(path, SCHEMA)
        assert done.new
        assert done.said is not None
        assert f"it is mlflow.sqlite.unusable-{number} now" in done.said
        assert tables(path) == WHOLE
        assert "of_first" in tables(tmp_path / f"mlflow.sqlite.unusable-{number}")


def test_a_file_of_a_newer_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    run(
        path,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('fourth')",
    )
    before = path.read_bytes()
    assert lay_out(path, SCHEMA) == Layout()
    assert path.read_bytes() == before


def test_a_full_disk_moves_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    run(path, "CREATE TABLE of_first (value TEXT)")

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space left"):
        lay_out(path, Schema(REVISIONS, full))
    assert tables(path) == {"of_first"}
    assert not list(tmp_path.glob("*unusable*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("how", "files"),
    [
        pytest.param("registry", 10, id="the registry, killed twenty times"),
        pytest.param("mlflow", 4, id="MLflow by itself, killed eight times"),
    ],
)
def test_processes_killed_while_they_lay_out_tables_leave_a_registry_that_works(
    tmp_path: Path, how: str, files: int
) -> None:
    script = Path(__file__).with_name("killed_layouts.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, "1", str(files), how],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    opened = done.stdout.splitlines()
    assert len(opened) == files, done.stderr
    assert all(line.startswith("whole") for line in opened), done.stdout + done.stderr
    if how == "registry":
        assert set(opened) == {"whole None"}
