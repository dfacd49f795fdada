"""Brings a database to this program's schema, through the migrations inside the package."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from loguru import logger
from sqlalchemy import Connection

from marketstream.errors import StateError

# Not Alembic's default name: MLflow may keep its own tables, and that one, in the same database.
VERSION_TABLE = "realtime_schema"


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic's commands need to work on `connection`, inside its transaction."""
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
    config = alembic_config(connection)
    migrations = ScriptDirectory.from_config(config)
    head = migrations.get_current_head()
    current = current_revision(connection)
    if current == head:
        return
    if current not in {None, *(script.revision for script in migrations.walk_revisions())}:
        raise StateError(
            f"{place} has schema {current}, newer than this program's {head}: "
            f"update the program {elsewhere}"
        )
    command.upgrade(config, "head")
    logger.debug("Store schema upgraded", place=place, before=current, now=head)


def current_revision(connection: Connection) -> str | None:
    """Return the schema a database has, None for a new one."""
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
