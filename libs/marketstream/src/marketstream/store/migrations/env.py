"""What Alembic runs around the migrations: on the connection it is given, in its transaction."""

from __future__ import annotations

from alembic import context

from marketstream.store.schema import VERSION_TABLE
from marketstream.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
