"""How far the price was said to go, and how far it went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"

_TABLES = ("move_forecasts", "move_outcomes")


def upgrade() -> None:
    forecasts, outcomes = _TABLES
    op.create_table(
        forecasts,
        *_key(),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("label_latency_ms", sa.BigInteger, nullable=False),
        sa.Column("mean", sa.Double, nullable=False),
        sa.Column("quantiles", sa.Text, nullable=False),
        sa.Column("baselines", sa.Text, nullable=False),
        sa.Column("floor", sa.Double, nullable=True),
        sa.Column("made_at_ms", sa.BigInteger, nullable=True),
        sa.Column("latency_us", sa.BigInteger, nullable=True),
        sa.Column("late", sa.Boolean, nullable=False),
        _primary(forecasts),
    )
    op.create_table(
        outcomes,
        *_key(),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("realised", sa.Double, nullable=False),
        sa.Column("still", sa.Boolean, nullable=False),
        sa.Column("qlike", sa.Double, nullable=True),
        sa.Column("baselines", sa.Text, nullable=False),
        sa.Column("crps", sa.Double, nullable=True),
        sa.Column("inside_80", sa.Boolean, nullable=True),
        sa.Column("inside_90", sa.Boolean, nullable=True),
        sa.Column("late", sa.Boolean, nullable=False),
        _primary(outcomes),
    )


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)


def _key() -> list[sa.Column[object]]:
    return [
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("close_time_ms", sa.BigInteger, nullable=False),
        sa.Column("horizon_ms", sa.BigInteger, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
    ]


def _primary(table: str) -> sa.PrimaryKeyConstraint:
    key = ("market", "timeframe", "close_time_ms", "horizon_ms", "target")
    return sa.PrimaryKeyConstraint(*key, name=f"pk_{table}")
