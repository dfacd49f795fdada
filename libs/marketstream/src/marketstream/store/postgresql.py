"""Opens PostgreSQL: the pool, the time-outs, the migrations' lock, and what its errors mean."""

from __future__ import annotations

import re

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from marketstream.errors import SettingsError, StateError, TransientStateError
from marketstream.settings import SystemSettings
from marketstream.store.backend import Backend
from marketstream.store.staging import Staging

_PARAMETERS = {
    "application_name": "realtime",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    # A host that is gone without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_OPTIONS = (
    "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s "
    "-c client_min_messages=warning"
)
_MIGRATION_LOCK = int.from_bytes(b"realtime")  # any number, the same for all who migrate

_PASSING = (
    *("08000", "08001", "08003", "08004", "08006"),  # the connection broke
    *("40001", "40P01"),  # another transaction was in the way: serialization, deadlock
    *("53300", "55P03", "57014", "25P03"),  # too many connections; a time-out
    *("57P01", "57P02", "57P03", "57P05"),  # the server stops, crashes or starts
)
# A connection that is refused has no code, only words.
_REFUSALS = {
    "authentication failed": "set POSTGRES_USER and POSTGRES_PASSWORD",
    "no password supplied": "set POSTGRES_PASSWORD",
    "no pg_hba.conf entry": "let this user in from here in pg_hba.conf",
    r'role ".*" does not exist': "create it, or set POSTGRES_USER",
    r'database ".*" does not exist': "create it, or set POSTGRES_DB",
    "permission denied|not permitted": "grant it, or set POSTGRES_USER and POSTGRES_DB",
}


def postgres_url(settings: SystemSettings) -> str:
    """Return the URL that the settings name; it holds the password, so it is not for any log."""
    host = settings.postgres_host
    is_folder = host.startswith("/")  # of the server's Unix socket
    url = URL.create(
        "postgresql",
        settings.postgres_user,
        settings.postgres_password.get_secret_value(),
        None if is_folder else host,
        None if is_folder else settings.postgres_port,
        settings.postgres_db,
        {"host": host, "port": str(settings.postgres_port)} if is_folder else {},
    )
    return url.render_as_string(hide_password=False)


def open_postgresql(url: URL) -> Engine:
    """Make the pool of connections; the first one is made when it is needed.

    What the query of the URL says comes before our own parameters. Raises SettingsError for a URL
    that makes no sense, or where the driver is not installed.
    """
    if "@" in (url.host or ""):
        raise SettingsError("the password in the store's URL holds an @: write it as %40")
    if not url.database:
        raise SettingsError(f"{url} names no database: write postgresql://user@host:5432/database")
    parameters = {k: value for k, value in _PARAMETERS.items() if k not in url.query}
    theirs = url.query.get("options", "")
    options = " ".join([_OPTIONS, theirs] if isinstance(theirs, str) else [_OPTIONS, *theirs])
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=parameters | {"options": options},
            pool_size=5,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
        )
    except ImportError as error:
        raise SettingsError(
            f"PostgreSQL needs psycopg ({error}): install marketstream[postgresql]"
        ) from error
    event.listen(engine, "begin", _begin)
    return engine


def _place(url: URL) -> str:
    return f"database {url.database} of {_server(url)}"


def _explain(url: URL, error: DBAPIError) -> StateError:
    code: str | None = getattr(error.orig, "sqlstate", None)
    reason = " ".join(str(error.orig).partition("\n")[0].split())
    if code in _PASSING or error.connection_invalidated:
        return TransientStateError(f"{_place(url)} does not answer ({reason})")
    if code is None and isinstance(error, OperationalError):
        return _explain_refusal(url, reason.rpartition("failed: ")[2])
    return StateError(
        f"{_place(url)} cannot be used ({reason}): see that it is this program's, "
        f"that user {url.username} may make tables in it, and that the server has room"
    )


def _explain_refusal(url: URL, reason: str) -> StateError:
    for words, remedy in _REFUSALS.items():
        if re.search(words, reason):
            return StateError(f"{_server(url)} does not let us in ({reason}): {remedy}")
    return TransientStateError(
        f"{_server(url)} cannot be reached ({reason}): "
        "start it, or set POSTGRES_HOST and POSTGRES_PORT"
    )


def _server(url: URL) -> str:
    host = url.host or url.query.get("host", "localhost")
    port = url.port or url.query.get("port", "5432")
    return f"PostgreSQL at {host if isinstance(host, str) else ','.join(host)}:{port}"


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("at_once", False):
        # Several queries that see what was there at the first one, as they do in SQLite.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    # Of two that start at once one migrates, however long it takes, and the other finds it done.
    if connection.get_execution_options().get("migrates", False):
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")


POSTGRESQL = Backend(
    open=open_postgresql,
    insert=Staging,
    explain=_explain,
    place=_place,
    elsewhere="or choose another database with POSTGRES_DB",
)
