"""Whatever is wrong with a database file is said in one line, with what to do about it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from marketstream.errors import RealtimeError, SettingsError, StateError
from marketstream.messages import DeadLetter
from marketstream.store.sql import SqlStore, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "realtime.sqlite"


def opened(path: Path) -> SqlStore:
    return open_store(f"sqlite:///{path}")


def error_of_opening(path: Path, kind: type[RealtimeError] = StateError) -> str:
    with pytest.raises(kind) as caught:
        opened(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def fill(path: Path) -> None:
    store = opened(path)
    store.write([DeadLetter("binance", bytes(1_000), "why", time) for time in range(200)])
    store.close()


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up the right of root to write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_missing_folders_are_made(path: Path) -> None:
    opened(path).close()
    assert path.is_file()


def test_path_may_hold_spaces_and_percent_signs(tmp_path: Path) -> None:
    path = tmp_path / "my state 100%" / "größe.sqlite"
    opened(path).close()
    assert path.is_file()


def test_empty_file_becomes_a_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = opened(path)
    assert store.counts()["candles"] == 0
    store.close()


def test_file_that_is_no_database_is_damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"market,price\n" * 1_000)
    assert error_of_opening(path) == (
        f"{path} is damaged (file is not a database): "
        "move it away or choose another folder with --state"
    )
    assert path.read_bytes() == b"market,price\n" * 1_000


def test_cut_off_database_is_damaged(path: Path) -> None:
    fill(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert f"{path} is damaged (" in error_of_opening(path)


def test_overwritten_pages_are_found_at_opening(path: Path) -> None:
    fill(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 20_000)
    assert f"{path} is damaged (" in error_of_opening(path)


def test_a_long_file_is_opened_at_once_and_what_is_damaged_is_named_when_it_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 20_000)
    monkeypatch.setattr("marketstream.store.sqlite._MOST_CHECKED_BYTES", path.stat().st_size - 1)
    with closing(opened(path)) as store, pytest.raises(StateError, match="is damaged"):
        store.dead_letters(1_000)
    path.write_bytes(b"market,price\n" * 50_000)
    assert "is damaged (file is not a database)" in error_of_opening(path)


def test_folder_in_the_place_of_the_file_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    assert f"{path} is a folder, and a file is needed" in error_of_opening(path)


@pytest.mark.parametrize("below", ["realtime.sqlite", "deeper/realtime.sqlite"])
def test_file_in_the_place_of_the_folder_is_named(path: Path, below: str) -> None:
    path.parent.write_text("not a folder")
    message = error_of_opening(path.parent / below)
    assert "is a file, or lies in one, and a folder is needed" in message
    assert message.endswith("or choose another folder with --state")


def test_folder_that_cannot_be_made_is_named(path: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with unprivileged():
        message = error_of_opening(path)
    tmp_path.chmod(0o700)
    assert f"{path.parent} cannot be used as a folder (Permission denied)" in message


def test_newer_schema_is_not_touched(path: Path) -> None:
    fill(path)
    execute(path, "UPDATE realtime_schema SET version_num = '9999'")
    message = error_of_opening(path)
    assert f"{path} has schema 9999, newer than this program's" in message
    assert "update the program or choose another folder with --state" in message


def test_failing_migration_leaves_the_database_as_it_was(path: Path) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE models (anything)")
    assert "table models already exists" in error_of_opening(path)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("models",)]


def test_tables_of_another_program_with_alembic_are_no_hindrance(path: Path) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE alembic_version (version_num)")
    execute(path, "INSERT INTO alembic_version VALUES ('another program')")
    opened(path).close()


def test_failing_write_names_the_file(path: Path) -> None:
    store = opened(path)
    execute(path, "DROP TABLE dead_letters")
    with pytest.raises(StateError, match=r"realtime\.sqlite cannot be used \(no such table"):
        store.write([DeadLetter("binance", b"", "why", 1)])
    store.close()


def test_several_may_open_a_new_database_at_once(path: Path) -> None:
    errors: list[BaseException] = []

    def open_and_close() -> None:
        try:
            opened(path).close()
        except StateError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_database_is_kept_in_a_write_ahead_log(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("url", ["", "state/realtime.sqlite", "sqlite://", "sqlite:///:memory:"])
def test_url_without_a_file_is_told_how_to_be(url: str) -> None:
    with pytest.raises(SettingsError, match=r"write sqlite:///state/realtime\.sqlite"):
        open_store(url)


def test_unknown_database_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError, match="is no database the store knows") as caught:
        open_store("oracle://admin:hunter2@host/db")
    assert "oracle://admin:***@host/db" in str(caught.value)
