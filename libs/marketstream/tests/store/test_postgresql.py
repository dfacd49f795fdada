"""Opening PostgreSQL: what its URL may be, and what is said where it cannot be used."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from marketstream.errors import RealtimeError, SettingsError, StateError, TransientStateError
from marketstream.messages import DeadLetter
from marketstream.settings import SystemSettings
from marketstream.store.postgresql import postgres_url
from marketstream.store.sql import SqlStore, open_store
from marketstream.store.testing import PostgresServer
from marketstream.testing import closed_port

ODD_PASSWORD = "p@ss:/?#[]% +&=ü'\""


@pytest.fixture
def store(postgres: PostgresServer, database: str) -> Iterator[SqlStore]:
    opened = open_store(postgres.url(database))
    yield opened
    opened.close()


@pytest.fixture(scope="module")  # so that no database is left that it owns
def role(postgres: PostgresServer) -> Iterator[str]:
    """A user who has to give `ODD_PASSWORD`."""
    rules = postgres.folder / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all stranger scram-sha-256\n{before}")
    quoted = ODD_PASSWORD.replace("'", "''")
    postgres.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{quoted}'")
    postgres.execute("SELECT pg_reload_conf()")
    yield "stranger"
    rules.write_text(before)
    postgres.execute("SELECT pg_reload_conf()")
    postgres.execute("DROP ROLE stranger")


def error_of_opening(url: str, kind: type[RealtimeError] = StateError) -> str:
    with pytest.raises(kind) as caught:
        open_store(url, patience_s=0.2)
    message = str(caught.value)
    assert "\n" not in message
    assert "hunter2" not in message
    return message


def settings(postgres: PostgresServer, **changes: str | SecretStr) -> SystemSettings:
    there = {"postgres_host": str(postgres.socket_folder), "postgres_user": "postgres"}
    return SystemSettings.model_validate(there | changes)


def shown(store: SqlStore, name: str) -> str:
    with store._engine.connect() as connection:
        return str(connection.execute(text(f"SHOW {name}")).scalar_one())


def test_url_of_the_settings_gives_every_part_back() -> None:
    url = make_url(
        postgres_url(
            SystemSettings(
                postgres_host="db.example",
                postgres_port=6543,
                postgres_db="my db",
                postgres_user="who:ever",
                postgres_password=SecretStr(ODD_PASSWORD),
            )
        )
    )
    assert (url.drivername, url.host, url.port) == ("postgresql", "db.example", 6543)
    assert (url.database, url.username, url.password) == ("my db", "who:ever", ODD_PASSWORD)


def test_settings_may_name_the_folder_of_a_socket(postgres: PostgresServer, database: str) -> None:
    store = open_store(postgres_url(settings(postgres, postgres_db=database)))
    assert sum(store.counts().values()) == 0
    store.close()


def test_password_of_any_characters_is_accepted(
    postgres: PostgresServer, database: str, role: str
) -> None:
    postgres.execute(f"ALTER DATABASE {database} OWNER TO {role}")
    changes = {"postgres_db": database, "postgres_user": role, "postgres_password": ODD_PASSWORD}
    open_store(postgres_url(settings(postgres, **changes))).close()


def test_wrong_password_is_not_tried_again_and_not_shown(
    postgres: PostgresServer, role: str
) -> None:
    url = postgres.url("postgres").replace("postgres@", f"{role}:hunter2@")
    with pytest.raises(StateError) as caught:
        open_store(url, patience_s=600)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).endswith(
        f'does not let us in (FATAL: password authentication failed for user "{role}"): '
        "set POSTGRES_USER and POSTGRES_PASSWORD"
    )


def test_missing_database_and_user_are_named(postgres: PostgresServer) -> None:
    message = error_of_opening(postgres.url("nowhere"))
    assert 'database "nowhere" does not exist): create it, or set POSTGRES_DB' in message
    message = error_of_opening(postgres.url("postgres").replace("postgres@", "nobody:hunter2@"))
    assert 'role "nobody" does not exist): create it, or set POSTGRES_USER' in message


def test_user_without_the_right_to_make_tables_is_named(
    postgres: PostgresServer, database: str, role: str
) -> None:
    url = postgres.url(database).replace("postgres@", f"{role}:{quote(ODD_PASSWORD)}@")
    message = error_of_opening(url)
    assert f"database {database} of PostgreSQL at " in message
    assert "(permission denied for schema public)" in message
    assert f"that user {role} may make tables in it" in message


def test_server_that_is_not_there_is_named_by_host_and_port() -> None:
    with closed_port() as port:
        message = error_of_opening(f"postgresql://admin:hunter2@127.0.0.1:{port}/db")
    assert message == (
        f"PostgreSQL at 127.0.0.1:{port} cannot be reached (Connection refused): "
        "start it, or set POSTGRES_HOST and POSTGRES_PORT"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://admin:hunter2@host:port/db",
        "postgresql://admin:what@hunter2@host/db",
        "postgresql://admin:hunter2@host",
        "hunter2",
    ],
)
def test_url_that_makes_no_sense_is_refused_without_its_password(url: str) -> None:
    error_of_opening(url, SettingsError)


def test_unknown_parameter_of_the_url_is_named(postgres: PostgresServer) -> None:
    message = error_of_opening(postgres.url("postgres") + "&colour=blue")
    assert 'invalid connection option "colour"' in message


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    message = error_of_opening("postgresql://admin:hunter2@host/db", SettingsError)
    assert message.endswith("install marketstream[postgresql]")


def test_old_name_of_the_scheme_is_known(postgres: PostgresServer, database: str) -> None:
    open_store(postgres.url(database).replace("postgresql:", "postgres:")).close()


def test_newer_schema_is_not_touched(postgres: PostgresServer, database: str) -> None:
    open_store(postgres.url(database)).close()
    postgres.execute("UPDATE realtime_schema SET version_num = '9999'", database)
    message = error_of_opening(postgres.url(database))
    assert message.startswith(f"database {database} of PostgreSQL at {postgres.socket_folder}:5432")
    assert "has schema 9999, newer than this program's" in message
    assert message.endswith("update the program or choose another database with POSTGRES_DB")


def test_failing_migration_leaves_the_database_as_it_was(
    postgres: PostgresServer, database: str
) -> None:
    postgres.execute("CREATE TABLE models (anything text)", database)
    assert 'relation "models" already exists' in error_of_opening(postgres.url(database))
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.execute(tables, database) == [("models",)]


def test_several_may_open_a_new_database_at_once(postgres: PostgresServer, database: str) -> None:
    errors: list[BaseException] = []

    def open_and_close() -> None:
        try:
            open_store(postgres.url(database)).close()
        except StateError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_connections_have_a_name_and_time_outs(store: SqlStore) -> None:
    assert shown(store, "application_name") == "realtime"
    assert shown(store, "statement_timeout") == "1min"
    assert shown(store, "lock_timeout") == "10s"
    assert shown(store, "idle_in_transaction_session_timeout") == "1min"


def test_parameters_of_the_url_come_before_our_own(postgres: PostgresServer, database: str) -> None:
    query = "&application_name=mine&options=-c%20statement_timeout%3D5s"
    store = open_store(postgres.url(database) + query)
    assert shown(store, "application_name") == "mine"
    assert shown(store, "statement_timeout") == "5s"
    assert shown(store, "lock_timeout") == "10s"
    store.close()


def test_database_in_plain_ascii_gives_text_back(postgres: PostgresServer, database: str) -> None:
    postgres.execute(f"DROP DATABASE {database}")
    ascii_only = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
    postgres.execute(f"CREATE DATABASE {database} {ascii_only}")
    store = open_store(postgres.url(database))
    letter = DeadLetter("größe", b"{", "why", 1)
    store.write([letter])
    assert store.dead_letters(1) == [letter]
    store.close()


def test_busy_pool_is_said_to_be_busy(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._engine.pool, "_timeout", 0.05)
    held = [store._engine.connect() for _ in range(5)]
    with pytest.raises(TransientStateError, match="all connections are busy"):
        store.counts()
    for connection in held:
        connection.close()
    assert store.counts()["candles"] == 0


def test_dropped_table_is_named(postgres: PostgresServer, database: str, store: SqlStore) -> None:
    postgres.execute("DROP TABLE dead_letters", database)
    with pytest.raises(StateError, match='relation "dead_letters" does not exist') as caught:
        store.write([DeadLetter("binance", b"", "why", 1)])
    assert not isinstance(caught.value, TransientStateError)
