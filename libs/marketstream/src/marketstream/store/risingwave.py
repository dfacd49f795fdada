"""Brings RisingWave, and the tables it writes in PostgreSQL, to what a folder of SQL says.

Files are applied in the order of their names, each once, over the PostgreSQL protocol: first those
in the folder `postgresql` in it, there, then those beside it, to RisingWave. Neither changes its
schema in transactions that span files, so every statement is one that may be repeated
(IF NOT EXISTS), and a file that was interrupted is applied again as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from string import Template
from typing import Annotated, NamedTuple

import psycopg
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from marketstream.errors import InputError, StateError, TransientStateError
from marketstream.settings import Env, SystemSettings
from marketstream.store.patience import patiently
from marketstream.store.postgresql import postgres_url

_APPLIED = "realtime_migrations"
_CONNECT_S = 5


class RisingWaveSettings(BaseModel):
    """Where RisingWave listens, and as whom to log in there."""

    model_config = ConfigDict(extra="forbid")

    host: Annotated[str, Env("RISINGWAVE_HOST"), Field(min_length=1)] = "localhost"
    port: Annotated[int, Env("RISINGWAVE_PORT"), Field(ge=1, le=65_535)] = 4566
    database: Annotated[str, Env("RISINGWAVE_DB"), Field(min_length=1)] = "dev"
    user: Annotated[str, Env("RISINGWAVE_USER"), Field(min_length=1)] = "root"
    password: Annotated[SecretStr, Env("RISINGWAVE_PASSWORD")] = SecretStr("")


class File(NamedTuple):
    """A file of SQL: its digest as it is on disk, its statements with the settings filled in."""

    name: str
    digest: str
    statements: list[str]


class Place(NamedTuple):
    """A server to migrate: how it is named to people, how it is reached, how a session begins.

    `remedy` says what to do where it cannot be reached.
    """

    name: str
    connect: Callable[[], psycopg.Connection]
    remedy: str
    session: Sequence[str] = ()


def migrate(
    folder: Path, system: SystemSettings, risingwave: RisingWaveSettings, *, patience_s: float = 60
) -> list[str]:
    """Apply what is missing and return the names of those files; none where all was there.

    Raises InputError where the folder has no SQL or names settings that do not exist, StateError
    where a file was changed after it was applied or a statement is refused, and TransientStateError
    where a server did not answer for `patience_s` seconds.
    """
    values = {
        "KAFKA_BROKER": system.kafka_broker,
        "POSTGRES_HOST": system.postgres_host,
        "POSTGRES_PORT": str(system.postgres_port),
        "POSTGRES_DB": system.postgres_db,
        "POSTGRES_USER": system.postgres_user,
        "POSTGRES_PASSWORD": system.postgres_password.get_secret_value(),
    }
    steps = [
        (_postgresql(system), read_files(folder / "postgresql", values)),
        (_risingwave(risingwave), read_files(folder, values)),
    ]
    return [
        name
        for place, files in steps
        for name in patiently(partial(apply, place, files), patience_s)
    ]


def read_files(folder: Path, values: Mapping[str, str]) -> list[File]:
    """Return a folder's files in order, with `${NAME}` replaced in their statements.

    A value stands between quotes, so a quote in it is doubled. Digests are of files as they are:
    passwords change, and are in no table.
    """
    paths = sorted(folder.glob("*.sql"))
    if not paths:
        raise InputError(f"{folder}: holds no .sql files; give the folder of them with --folder")
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    files = []
    for path in paths:
        text = path.read_text()
        try:
            filled = Template(text).substitute(quoted)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path}: {error} is none of {', '.join(values)}, which may stand in ${{}}"
            ) from error
        digest = hashlib.sha256(text.encode()).hexdigest()
        files.append(File(path.name, digest, split_statements(filled)))
    return files


def split_statements(text: str) -> list[str]:
    """Return the statements of a file: each ends with a semicolon at the end of a line."""
    without_comments = re.sub(r"(?m)(^|\s)--\s.*$", "", text)
    parts = re.split(r"(?m);[ \t]*$", without_comments)
    return [part.strip() for part in parts if part.strip()]


def apply(place: Place, files: Sequence[File]) -> list[str]:
    """Apply the files that a server has not had yet; return their names."""
    try:
        connection = place.connect()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise TransientStateError(
            f"{place.name} cannot be reached ({reason}): {place.remedy}"
        ) from error
    with connection:
        execute = partial(_execute, place, connection)
        for statement in place.session:
            execute(statement)
        execute(f"CREATE TABLE IF NOT EXISTS {_APPLIED} (name VARCHAR PRIMARY KEY, digest VARCHAR)")
        had = dict(execute(f"SELECT name, digest FROM {_APPLIED}"))  # noqa: S608 - a name of ours
        for file in files:
            if had.get(file.name, file.digest) != file.digest:
                raise StateError(
                    f"{file.name} was changed after {place.name} had it: undo that, and say in a "
                    "new file what is to change"
                )
        missing = [file for file in files if file.name not in had]
        for file in missing:
            for statement in file.statements:
                execute(statement)
            execute(f"INSERT INTO {_APPLIED} VALUES ('{file.name}', '{file.digest}')")  # noqa: S608
            logger.info("Migrated", place=place.name, file=file.name)
    return [file.name for file in missing]


def _execute(place: Place, connection: psycopg.Connection, statement: str) -> list[tuple[str, str]]:
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        # Not all the server says: that may be the line with the password.
        reason = " ".join((error.diag.message_primary or str(error)).split())
        kind = TransientStateError if connection.closed else StateError
        first_line = statement.partition("\n")[0]
        raise kind(f"{place.name} refused `{first_line}` ({reason})") from error
    return cursor.fetchall() if cursor.description else []


def _postgresql(system: SystemSettings) -> Place:
    url = postgres_url(system)
    return Place(
        f"PostgreSQL at {system.postgres_host}:{system.postgres_port}",
        lambda: psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S),
        "start it, or set POSTGRES_HOST and POSTGRES_PORT",
    )


def _risingwave(settings: RisingWaveSettings) -> Place:
    return Place(
        f"RisingWave at {settings.host}:{settings.port}",
        lambda: psycopg.connect(
            host=settings.host,
            port=settings.port,
            dbname=settings.database,
            user=settings.user,
            password=settings.password.get_secret_value(),
            autocommit=True,
            connect_timeout=_CONNECT_S,
        ),
        "start it, or set RISINGWAVE_HOST and RISINGWAVE_PORT",
        # What is inserted can be read at once, not only after the next barrier.
        ["SET rw_implicit_flush = true"],
    )
