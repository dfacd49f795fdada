"""The chain that shows whether outcomes were changed afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    op.create_table(
        "outcome_seals",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("to_ms", sa.BigInteger, nullable=False),
        sa.Column("outcomes", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("digest", "previous", "hash")),
        sa.PrimaryKeyConstraint("market", "timeframe", "from_ms", name="pk_outcome_seals"),
    )


def downgrade() -> None:
    op.drop_table("outcome_seals")
