"""Since when a model serves, and why: one that serves again has a row again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"

_BEFORE = ["market", "timeframe", "horizon_ms", "name", "version"]
_ONE_OF_EACH = """
DELETE FROM models WHERE EXISTS (
    SELECT 1 FROM models other
    WHERE other.market = models.market AND other.timeframe = models.timeframe
      AND other.horizon_ms = models.horizon_ms AND other.name = models.name
      AND other.version = models.version AND other.since_ms < models.since_ms)
"""


def upgrade() -> None:
    with op.batch_alter_table("models") as models:
        models.add_column(sa.Column("since_ms", sa.BigInteger, nullable=False, server_default="0"))
        models.add_column(sa.Column("why", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE models SET since_ms = trained_at_ms")
    with op.batch_alter_table("models") as models:
        models.drop_constraint("pk_models", type_="primary")
        models.create_primary_key("pk_models", [*_BEFORE, "since_ms"])


def downgrade() -> None:
    op.execute(_ONE_OF_EACH)
    with op.batch_alter_table("models") as models:
        models.drop_constraint("pk_models", type_="primary")
        models.create_primary_key("pk_models", _BEFORE)
    with op.batch_alter_table("models") as models:
        models.drop_column("since_ms")
        models.drop_column("why")
