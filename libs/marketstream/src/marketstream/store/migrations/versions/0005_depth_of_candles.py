"""Levels of the book as of a candle's close."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    with op.batch_alter_table("candles") as candles:
        candles.add_column(sa.Column("depth", sa.Text))


def downgrade() -> None:
    with op.batch_alter_table("candles") as candles:
        candles.drop_column("depth")
