"""Candles, predictions, outcomes, models and dead letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "candles",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("open_time_ms", sa.BigInteger, nullable=False),
        sa.Column("close_time_ms", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("volume", sa.Double, nullable=False),
        sa.Column("quote_volume", sa.Double, nullable=False),
        sa.Column("trade_count", sa.BigInteger, nullable=False),
        sa.Column("taker_buy_volume", sa.Double, nullable=False),
        sa.Column("taker_buy_quote_volume", sa.Double, nullable=False),
        sa.Column("bid", sa.Double),
        sa.Column("bid_quantity", sa.Double),
        sa.Column("ask", sa.Double),
        sa.Column("ask_quantity", sa.Double),
        sa.Column("first_buy", sa.Double),
        sa.Column("first_sell", sa.Double),
        sa.Column("first_trade_id", sa.BigInteger),
        sa.Column("last_trade_id", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("filled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("market", "timeframe", "open_time_ms", name="pk_candles"),
    )
    op.create_table(
        "predictions",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("close_time_ms", sa.BigInteger, nullable=False),
        sa.Column("horizon_ms", sa.BigInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("label_latency_ms", sa.BigInteger, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("mid", sa.Double, nullable=False),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("expected_return", sa.Double, nullable=False),
        sa.Column("predicted_price", sa.Double, nullable=False),
        sa.Column("p_up", sa.Double, nullable=False),
        sa.Column("p_flat", sa.Double, nullable=False),
        sa.Column("p_down", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("made_at_ms", sa.BigInteger, nullable=False),
        sa.Column("latency_us", sa.BigInteger, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint(
            "market",
            "timeframe",
            "close_time_ms",
            "horizon_ms",
            "role",
            "model_version",
            name="pk_predictions",
        ),
    )
    op.create_table(
        "outcomes",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("close_time_ms", sa.BigInteger, nullable=False),
        sa.Column("horizon_ms", sa.BigInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("realised_mid", sa.Double, nullable=False),
        sa.Column("realised_return", sa.Double, nullable=False),
        sa.Column("close_return", sa.Double, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("close_verdict", sa.Text, nullable=False),
        sa.Column("inside", sa.Boolean, nullable=False),
        sa.Column("baselines", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "market",
            "timeframe",
            "close_time_ms",
            "horizon_ms",
            "role",
            "model_version",
            name="pk_outcomes",
        ),
    )
    op.create_table(
        "models",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("horizon_ms", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("trained_at_ms", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "market", "timeframe", "horizon_ms", "name", "version", name="pk_models"
        ),
    )
    op.create_table(
        "dead_letters",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_dead_letters"),
    )
    op.create_index("ix_dead_letters_received_us", "dead_letters", ["received_us"])


def downgrade() -> None:
    op.drop_index("ix_dead_letters_received_us", "dead_letters")
    for table in ("dead_letters", "models", "outcomes", "predictions", "candles"):
        op.drop_table(table)
