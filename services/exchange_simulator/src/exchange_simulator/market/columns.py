"""Choosing rows of trades and putting columns together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exchange_simulator.market.tape import Integers, TradeColumns


def chosen(trades: TradeColumns, rows: slice | Integers) -> TradeColumns:
    """Return some rows of all columns."""
    return TradeColumns(
        trades.id[rows],
        trades.time_us[rows],
        trades.price[rows],
        trades.quantity[rows],
        trades.buyer_is_maker[rows],
        trades.sequence[rows],
    )


def concatenated(parts: Sequence[TradeColumns]) -> TradeColumns:
    """Return the rows of all parts, of which there is at least one, in their order."""
    return TradeColumns(
        np.concatenate([part.id for part in parts]),
        np.concatenate([part.time_us for part in parts]),
        np.concatenate([part.price for part in parts]),
        np.concatenate([part.quantity for part in parts]),
        np.concatenate([part.buyer_is_maker for part in parts]),
        np.concatenate([part.sequence for part in parts]),
    )
