"""Brings a database to this program's schema, through the migrations inside the package.

Alembic is imported where there is something to migrate: most starts find the newest schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loguru import logger
from sqlalchemy import Connection, inspect, text

from marketstream.errors import StateError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0016"  # the newest migration

# Not Alembic's default name: MLflow may keep its own tables, and that one, in the same database.
VERSION_TABLE = "realtime_schema"


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic's commands need to work on `connection`, inside its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "marketstream.store:migrations")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, place: str, elsewhere: str) -> None:
    """Run the migrations that are missing, in the connection's transaction.

    Errors name the database as `place`, and `elsewhere` says how to choose another. The transaction
    keeps a second process from migrating meanwhile. Raises StateError where the schema is one this
    program does not know: a newer one.
    """
    current = current_revision(connection)
    if current == HEAD:
        return
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(connection)
    migrations = ScriptDirectory.from_config(config)
    if current not in {None, *(script.revision for script in migrations.walk_revisions())}:
        raise StateError(
            f"{place} has schema {current}, newer than this program's {HEAD}: "
            f"update the program {elsewhere}"
        )
    command.upgrade(config, "head")
    logger.debug("Store schema upgraded", place=place, before=current, now=HEAD)


def current_revision(connection: Connection) -> str | None:
    """Return the schema a database has, None for a new one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a name of our own
    return revision
