"""What an exchange truly traded, as columns, and the candles that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exchange_simulator.market.tape import Tape

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Flags = NDArray[np.bool_]


class Truth(NamedTuple):
    """Every trade of a market in the order of time; prices in quote units, quantities in base.

    A numbering that began again shows as ids that go down.
    """

    id: Integers
    time_us: Integers
    price: Floats
    quantity: Floats
    taker_buys: Flags


class TrueCandles(NamedTuple):
    """The true candles of given intervals; prices are NaN and ids -1 where nothing traded."""

    trades: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    taker_buy_volume: Floats
    first_id: Integers
    last_id: Integers


def truth_of(tape: Tape, from_us: int, to_us: int, again: Sequence[int] = ()) -> Truth:
    """Return what a simulated market trades in `[from_us, to_us)`.

    At each of the ids `again` of its tape it has begun its ids again, at 1.
    """
    trades = tape.trades(from_us, to_us)
    ids = trades.id
    for first in again:
        ids = np.where(trades.id >= first, trades.id - first + 1, ids)
    return Truth(
        ids,
        trades.time_us,
        trades.price / 10**tape.price_decimals,
        trades.quantity / 10**tape.quantity_decimals,
        ~trades.buyer_is_maker,
    )


def true_candles(truth: Truth, opens_us: Integers, closes_us: Integers) -> TrueCandles:
    """Fold the true trades into the intervals `[opens_us, closes_us)`, whatever their order."""
    first = np.searchsorted(truth.time_us, opens_us)
    end = np.searchsorted(truth.time_us, closes_us)
    count = (end - first).astype(np.int64)
    traded = count > 0

    def of_each(fold: np.ufunc, values: Floats, missing: float) -> Floats:
        folded = np.full(len(count), missing)
        if traded.any():
            # With a value more at the end, an interval may end where the trades do; reduceat
            # folds from each place to the next, of which every second stretch is between intervals.
            places = np.column_stack((first[traded], end[traded])).ravel()
            folded[traded] = fold.reduceat(np.append(values, values[-1]), places)[::2]
        return folded

    def at(values: NDArray[np.generic], places: Integers, missing: float) -> NDArray[np.generic]:
        found = np.full(len(count), missing, values.dtype)
        found[traded] = values[places[traded]]
        return found

    buys = np.where(truth.taker_buys, truth.quantity, 0.0)
    return TrueCandles(
        count,
        at(truth.price, first, np.nan),  # type: ignore[arg-type]
        of_each(np.maximum, truth.price, np.nan),
        of_each(np.minimum, truth.price, np.nan),
        at(truth.price, end - 1, np.nan),  # type: ignore[arg-type]
        of_each(np.add, truth.quantity, 0.0),
        of_each(np.add, buys, 0.0),
        at(truth.id, first, -1),  # type: ignore[arg-type]
        at(truth.id, end - 1, -1),  # type: ignore[arg-type]
    )
