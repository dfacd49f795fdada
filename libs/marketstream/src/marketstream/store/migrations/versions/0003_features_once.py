"""Features once a close instead of in each prediction; gaps; whether an outcome is late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

_TO_FEATURES = """
INSERT INTO features (market, timeframe, close_time_ms, "values", bid, ask, close, feature_set,
                      complete, first_buy, first_sell)
SELECT p.market, p.timeframe, p.close_time_ms, p."values", c.bid, c.ask, p.close, '',
       COALESCE(c.complete, FALSE), c.first_buy, c.first_sell
FROM predictions p
LEFT JOIN candles c ON c.market = p.market AND c.timeframe = p.timeframe
                   AND c.close_time_ms = p.close_time_ms
WHERE p."values" <> '{}'
ON CONFLICT DO NOTHING
"""
_LATE_OUTCOMES = """
UPDATE outcomes SET late = TRUE
WHERE EXISTS (
    SELECT 1 FROM predictions p
    WHERE p.market = outcomes.market AND p.timeframe = outcomes.timeframe
      AND p.close_time_ms = outcomes.close_time_ms AND p.horizon_ms = outcomes.horizon_ms
      AND p.role = outcomes.role AND p.model_version = outcomes.model_version AND p.late)
"""
_FROM_FEATURES = """
UPDATE predictions SET "values" = COALESCE((
    SELECT MIN(f."values") FROM features f
    WHERE f.market = predictions.market AND f.timeframe = predictions.timeframe
      AND f.close_time_ms = predictions.close_time_ms
      AND f.feature_set = predictions.feature_set), '{}')
"""


def upgrade() -> None:
    op.create_table(
        "features",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("timeframe", sa.Text, nullable=False),
        sa.Column("close_time_ms", sa.BigInteger, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("bid", sa.Double),
        sa.Column("ask", sa.Double),
        sa.Column("close", sa.Double, nullable=False),
        sa.Column("feature_set", sa.Text, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("first_buy", sa.Double),
        sa.Column("first_sell", sa.Double),
        sa.PrimaryKeyConstraint(
            "market", "timeframe", "close_time_ms", "feature_set", name="pk_features"
        ),
    )
    op.execute(_TO_FEATURES)
    with op.batch_alter_table("predictions") as predictions:
        predictions.drop_column("values")
        predictions.add_column(sa.Column("feature_set", sa.Text, nullable=False, server_default=""))
        predictions.alter_column("made_at_ms", existing_type=sa.BigInteger, nullable=True)
        predictions.alter_column("latency_us", existing_type=sa.BigInteger, nullable=True)
    op.add_column(
        "outcomes", sa.Column("late", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.execute(_LATE_OUTCOMES)
    op.create_table(
        "gaps",
        sa.Column("market", sa.Text, nullable=False),
        sa.Column("first_id", sa.BigInteger, nullable=False),
        sa.Column("end_id", sa.BigInteger, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("market", "first_id", "end_id", name="pk_gaps"),
    )


def downgrade() -> None:
    op.drop_table("gaps")
    op.drop_column("outcomes", "late")
    op.add_column("predictions", sa.Column("values", sa.Text, nullable=False, server_default="{}"))
    op.execute(_FROM_FEATURES)
    op.execute("UPDATE predictions SET made_at_ms = close_time_ms WHERE made_at_ms IS NULL")
    op.execute("UPDATE predictions SET latency_us = 0 WHERE latency_us IS NULL")
    with op.batch_alter_table("predictions") as predictions:
        predictions.drop_column("feature_set")
        predictions.alter_column("made_at_ms", existing_type=sa.BigInteger, nullable=False)
        predictions.alter_column("latency_us", existing_type=sa.BigInteger, nullable=False)
    op.drop_table("features")
