"""The sums of the best levels of both sides, one level after the other, streamed and in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import Windowed
from technical_indicators.base_row import BaseRow


class Sides[Number: float | Floats](NamedTuple):
    """Quantities of the best levels, what they are worth, the last level's prices, and the mid."""

    bid_quantity: Number
    ask_quantity: Number
    bid_value: Number
    ask_value: Number
    last_bid: Number
    last_ask: Number
    mid: Number


def sides_of(rows: Sequence[BaseRow], levels: int) -> Sides[float] | None:
    """Return the sums of so many levels as of the last row, None where there are not so many."""
    depth = rows[-1].depth
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
    bid_quantity, ask_quantity, bid_value, ask_value = np.zeros((4, len(columns)))
    for number in range(levels):
        bid, bids, ask, asks = columns.level(number)
        bid_quantity = bid_quantity + bids
        bid_value = bid_value + bid * bids
        ask_quantity = ask_quantity + asks
        ask_value = ask_value + ask * asks
    known = (bid_quantity > 0) & (ask_quantity > 0)
    best_bid, _, best_ask, _ = columns.level(0)
    last_bid, _, last_ask, _ = columns.level(levels - 1)
    return Sides(
        np.where(known, bid_quantity, np.nan), ask_quantity, bid_value, ask_value,
        last_bid, last_ask, (best_bid + best_ask) / 2,
    )  # fmt: skip


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
