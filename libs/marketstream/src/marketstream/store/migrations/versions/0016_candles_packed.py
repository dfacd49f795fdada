"""Candles shorter than a minute are packed too: nothing to make, and to unpack on the way back."""

from __future__ import annotations

from alembic import op

from marketstream.store.packed_candles import unpack_candles

revision = "0016"
down_revision: str | None = "0015"


def upgrade() -> None:
    """Leave all as it is: rows are packed from the oldest on, while the system runs."""


def downgrade() -> None:
    unpack_candles(op.get_bind())
