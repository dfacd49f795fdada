"""Queue depletion at the best prices: how much of each queue has gone, the ask's less the bid's.

ln(bid quantity / the most of it since this bid became the best) less the same of the ask, as of
base closes: below 0 where the bid is being used up.
"""

from __future__ import annotations

from math import log

import numpy as np

from marketstream.columns import Floats
from technical_indicators.base_columns import BaseColumns
from technical_indicators.base_definition import BaseDefinition, Recursive, State
from technical_indicators.base_row import BaseRow


class _Depletion(Recursive):
    def __init__(self, base_s: float) -> None:
        del base_s

    def step(self, state: State | None, row: BaseRow) -> State | None:
        if row.quote is None:
            return None
        bid, bids, ask, asks = row.quote
        if state is None:
            return bid, bids, bids, ask, asks, asks
        bid_before, _, most_bids, ask_before, _, most_asks = state
        return (
            bid, bids, max(most_bids, bids) if bid == bid_before else bids,
            ask, asks, max(most_asks, asks) if ask == ask_before else asks,
        )  # fmt: skip

    def value(self, state: State) -> float | None:
        _, bids, most_bids, _, asks, most_asks = state
        return log(bids / most_bids) - log(asks / most_asks)

    def columnar(self, columns: BaseColumns) -> Floats:
        bid, bids, ask, asks = columns.quote
        return _gone(bid, bids, columns) - _gone(ask, asks, columns)


def _gone(price: Floats, quantity: Floats, columns: BaseColumns) -> Floats:
    same = np.zeros(len(price), np.bool_)
    same[1:] = (price[1:] == price[:-1]) & (columns.run[1:] > 1)
    most, mosts = 0.0, []
    for now, goes_on in zip(quantity.tolist(), same.tolist(), strict=True):
        most = most if goes_on and most > now else now
        mosts.append(most)
    share = quantity / np.array(mosts)
    return np.array([log(each) if each > 0 else np.nan for each in share.tolist()], np.float64)


INDICATOR = BaseDefinition(inputs=("bid", "bid_quantity", "ask", "ask_quantity"), form=_Depletion)
