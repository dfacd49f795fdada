"""Queue depletion at the best prices: how much of each queue has gone, the ask's less the bid's.

ln(bid quantity / the most of it since this bid became the best) less the same of the ask, as of
base closes: below 0 where the bid is being used up. Not known before both have changed once: how
much there was of the first ones, nobody saw.
"""

from __future__ import annotations

from math import log, nan

import numpy as np

from marketstream.columns import Floats, Integers
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow
from technical_indicators.decay import run_of


class _Depletion(Recursive):
    rows = settles = 2

    def __init__(self, base_s: float) -> None:
        del base_s

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.quote is None:
            return None
        bid, bids, ask, asks = row.quote
        if state is None:
            return bid, bids, nan, ask, asks, nan
        bid_before, _, most_bids, ask_before, _, most_asks = state
        return (
            bid, bids, max(most_bids, bids) if bid == bid_before else bids,
            ask, asks, max(most_asks, asks) if ask == ask_before else asks,
        )  # fmt: skip  # NaN is the most of NaN and another

    def value(self, state: State) -> float | None:
        _, bids, most_bids, _, asks, most_asks = state
        return log(bids / most_bids) - log(asks / most_asks)

    def columnar(self, columns: BaseColumns) -> Floats:
        bid, bids, ask, asks = columns.quote
        run = run_of(~np.isnan(bid), columns.run)
        return _gone(bid, bids, run) - _gone(ask, asks, run)


def _gone(price: Floats, quantity: Floats, run: Integers) -> Floats:
    same = np.zeros(len(price), np.bool_)
    same[1:] = (price[1:] == price[:-1]) & (run[1:] > 1)
    seen = np.where(run > 1, quantity, np.nan)
    most, mosts = nan, []
    for now, goes_on in zip(seen.tolist(), same.tolist(), strict=True):
        most = most if goes_on and not now > most else now
        mosts.append(most)
    share = quantity / np.array(mosts)
    return np.array([log(each) if each > 0 else np.nan for each in share.tolist()], np.float64)


INDICATOR = BaseDefinition(inputs=("bid", "bid_quantity", "ask", "ask_quantity"), form=_Depletion)
