"""How many trades a candle should have, and how many came late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    op.add_column("candles", sa.Column("expected_count", sa.BigInteger))
    op.add_column(
        "candles", sa.Column("late_count", sa.BigInteger, nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("candles", "late_count")
    op.drop_column("candles", "expected_count")
