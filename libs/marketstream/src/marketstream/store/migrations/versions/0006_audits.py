"""What audits of candles found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    counts = ("to_ms", "compared", "equal", "incomplete")
    op.create_table(
        "audits",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        sa.PrimaryKeyConstraint("market", "timeframe", "from_ms", name="pk_audits"),
    )


def downgrade() -> None:
    op.drop_table("audits")
