"""The sums of the best levels of both sides, one level after the other, streamed and in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from marketstream.columns import Floats
from marketstream.messages import Depth
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import Windowed
from technical_indicators.base_row import BaseRow, Sides


def sides_of(rows: Sequence[BaseRow], levels: int) -> Sides[float] | None:
    """Return the sums of so many levels as of the last row, None where there are not so many."""
    row = rows[-1]
    if levels not in row.sides:
        row.sides[levels] = _sides(row.depth, levels)
    return row.sides[levels]


def _sides(depth: Depth | None, levels: int) -> Sides[float] | None:
    if depth is None or len(depth.bids) < levels or len(depth.asks) < levels:
        return None
    bid_quantity = ask_quantity = bid_value = ask_value = 0.0
    for price, quantity in depth.bids[:levels]:
        bid_quantity += quantity
        bid_value += price * quantity
    for price, quantity in depth.asks[:levels]:
        ask_quantity += quantity
        ask_value += price * quantity
    if bid_quantity <= 0 or ask_quantity <= 0:
        return None
    return Sides(
        bid_quantity, ask_quantity, bid_value, ask_value,
        depth.bids[levels - 1][0], depth.asks[levels - 1][0],
        (depth.bids[0][0] + depth.asks[0][0]) / 2,
    )  # fmt: skip


def sides_in(columns: BaseColumns, levels: int) -> Sides[Floats]:
    """Return the sums of so many levels as of every row, NaN where there are not so many."""
    best_bid, _, best_ask, _ = columns.level(0)
    last_bid, _, last_ask, _ = columns.level(levels - 1)
    bid_quantity = columns.shared(
        f"bids {levels}", lambda: _summed(columns, levels, 0, worth=False)
    )
    ask_quantity = columns.shared(
        f"asks {levels}", lambda: _summed(columns, levels, 2, worth=False)
    )
    known = (bid_quantity > 0) & (ask_quantity > 0)
    return Sides(
        np.where(known, bid_quantity, np.nan),
        ask_quantity,
        columns.shared(f"bids' worth {levels}", lambda: _summed(columns, levels, 0, worth=True)),
        columns.shared(f"asks' worth {levels}", lambda: _summed(columns, levels, 2, worth=True)),
        last_bid,
        last_ask,
        columns.shared("mid of levels", lambda: (best_bid + best_ask) / 2),
    )


def _summed(columns: BaseColumns, levels: int, side: int, *, worth: bool) -> Floats:
    """Return the quantities of a side's levels, or what they are worth, one after the other."""
    total = np.zeros(len(columns))
    for number in range(levels):
        level = columns.level(number)
        total += level[side] * level[side + 1] if worth else level[side + 1]
    return total


def of_sides(formula: Callable[[Sides[Any]], Any]) -> Callable[..., Windowed]:
    """Return the form of a feature of these sums: one formula, for numbers and for columns."""

    class OfSides(Windowed):
        def __init__(self, base_s: float, levels: int) -> None:
            del base_s
            self._levels = levels

        def value(self, rows: Sequence[BaseRow]) -> float | None:
            sides = sides_of(rows, self._levels)
            return None if sides is None else float(formula(sides))

        def columnar(self, columns: BaseColumns) -> Floats:
            series: Floats = formula(sides_in(columns, self._levels))
            return series

    return OfSides
