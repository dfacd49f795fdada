"""Candles that nobody can call complete; numberings of ids; stalls; dead letters that are cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    with op.batch_alter_table("candles") as candles:
        candles.alter_column("complete", existing_type=sa.Boolean, nullable=True)
    _gaps_of(("market", "first_id", "end_id", "epoch"))
    op.create_table(
        "stalls",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("until_us", sa.BigInteger),
        sa.Column("end", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("market", "since_us", "channel", name="pk_stalls"),
    )
    with op.batch_alter_table("dead_letters") as letters:
        letters.add_column(sa.Column("size", sa.BigInteger))
        letters.add_column(sa.Column("sha256", sa.Text))
        letters.add_column(
            sa.Column("more", sa.BigInteger, nullable=False, server_default=sa.text("0"))
        )


def downgrade() -> None:
    op.execute("DELETE FROM dead_letters WHERE more <> 0")
    with op.batch_alter_table("dead_letters") as letters:
        for name in ("size", "sha256", "more"):
            letters.drop_column(name)
    op.drop_table("stalls")
    op.execute("DELETE FROM gaps WHERE epoch <> 0")
    with op.batch_alter_table("gaps") as gaps:
        gaps.drop_constraint("pk_gaps", type_="primary")
        gaps.drop_column("epoch")
        gaps.create_primary_key("pk_gaps", ["market", "first_id", "end_id"])
    op.execute("UPDATE candles SET complete = FALSE WHERE complete IS NULL")
    with op.batch_alter_table("candles") as candles:
        candles.alter_column("complete", existing_type=sa.Boolean, nullable=False)


def _gaps_of(key: tuple[str, ...]) -> None:
    with op.batch_alter_table("gaps") as gaps:
        gaps.drop_constraint("pk_gaps", type_="primary")
        gaps.add_column(
            sa.Column("epoch", sa.BigInteger, nullable=False, server_default=sa.text("0"))
        )
        gaps.create_primary_key("pk_gaps", list(key))
