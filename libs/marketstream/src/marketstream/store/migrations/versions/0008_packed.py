"""Stretches of features, predictions and outcomes, packed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketstream.store.packed import unpack_all

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    op.create_table(
        "packed",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("to_ms", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("kind", "market", "timeframe", "from_ms", name="pk_packed"),
    )


def downgrade() -> None:
    unpack_all(op.get_bind())
    op.drop_table("packed")
