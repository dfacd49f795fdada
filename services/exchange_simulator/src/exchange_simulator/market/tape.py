"""What a simulated market offers, whoever makes it: a recording or a seed.

Prices are integers in ticks (`10**-price_decimals` quote units), quantities integers in lots
(`10**-quantity_decimals` base units), times integer microseconds in UTC. Columns are numpy arrays
of one length, in the order things happened.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

type Integers = NDArray[np.int64]
type Flags = NDArray[np.bool_]


class TradeColumns(NamedTuple):
    """Trades as columns; `sequence` orders them among the quotes of the same market."""

    id: Integers
    time_us: Integers
    price: Integers
    quantity: Integers
    buyer_is_maker: Flags
    sequence: Integers


class QuoteColumns(NamedTuple):
    """Best bid and ask as columns; `sequence` orders them among the trades of the same market."""

    update_id: Integers
    time_us: Integers
    bid: Integers
    bid_quantity: Integers
    ask: Integers
    ask_quantity: Integers
    sequence: Integers


class Tape(Protocol):
    """One market's trades and quotes, for any stretch of its time.

    Ranges are half-open, `[from_us, to_us)`. `start_us` and `end_us` bound the tape; None where it
    has no bound.
    """

    symbol: str
    price_decimals: int
    quantity_decimals: int
    start_us: int | None
    end_us: int | None

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        """Return the trades of a half-open range of time."""
        ...

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        """Return the quotes of a half-open range of time."""
        ...

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        """Return up to `limit` trades from id `first_id` on that happened before `before_us`."""
        ...

    def quote_at(self, time_us: int) -> QuoteColumns:
        """Return the newest quote at or before `time_us`: one row, or none before the first."""
        ...
