"""What a venue said of a perpetual by a candle's close."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision: str | None = "0013"


def upgrade() -> None:
    with op.batch_alter_table("candles") as candles:
        candles.add_column(sa.Column("context", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("candles") as candles:
        candles.drop_column("context")
