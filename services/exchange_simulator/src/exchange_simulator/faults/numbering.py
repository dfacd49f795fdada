"""A tape whose ids may begin again, and the ledger of what was truly traded on it."""

from __future__ import annotations

import numpy as np

from exchange_simulator.market.columns import concatenated
from exchange_simulator.market.history import latest_trades
from exchange_simulator.market.tape import Integers, QuoteColumns, Tape, TradeColumns
from exchange_simulator.serving.decimals import decimal_text


class NumberedTape:
    """A tape; from each `begin_again` on, its ids begin again at 1."""

    def __init__(self, tape: Tape) -> None:
        self.symbol = tape.symbol
        self.price_decimals = tape.price_decimals
        self.quantity_decimals = tape.quantity_decimals
        self.start_us = tape.start_us
        self.end_us = tape.end_us
        self._tape = tape
        self._firsts: list[int] = []  # the tape's own id of each later epoch's trade 1

    def begin_again(self, now_us: int) -> bool:
        """Give the first trade from `now_us` on the id 1; False before any trade."""
        last = latest_trades(self._tape, 1, now_us, self.start_us or 0)
        if not len(last.id):
            return False
        self._firsts.append(int(last.id[-1]) + 1)
        return True

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        """Return the trades of a half-open range of time."""
        return self._numbered(self._tape.trades(from_us, to_us))

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        """Return the quotes of a half-open range of time."""
        return self._tape.quotes(from_us, to_us)

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        """Return up to `limit` trades from an id of the present numbering on."""
        return self._numbered(self._from_own_id(first_id, limit, before_us, len(self._firsts)))

    def quote_at(self, time_us: int) -> QuoteColumns:
        """Return the newest quote at or before `time_us`."""
        return self._tape.quote_at(time_us)

    def epochs(self) -> list[dict[str, int]]:
        """Return each numbering with the trades' number in one that never began again."""
        return [
            {"epoch": epoch, "begins_at": first} for epoch, first in enumerate([0, *self._firsts])
        ]

    def ledger(
        self, first_id: int, limit: int, before_us: int, epoch: int
    ) -> list[dict[str, object]]:
        """Return what was truly traded from an id of an epoch on, whatever was said of it."""
        own = self._from_own_id(first_id, limit, before_us, epoch)
        epochs = np.searchsorted(np.array(self._firsts, dtype=np.int64), own.id, side="right")
        shown = self._numbered(own)
        return [
            {
                "epoch": at, "id": id_, "time_us": time_us,
                "price": decimal_text(price, self.price_decimals),
                "quantity": decimal_text(quantity, self.quantity_decimals),
            }
            for at, id_, time_us, price, quantity in zip(
                epochs.tolist(), shown.id.tolist(), shown.time_us.tolist(),
                shown.price.tolist(), shown.quantity.tolist(), strict=True,
            )
        ]  # fmt: skip

    def _from_own_id(self, first_id: int, limit: int, before_us: int, epoch: int) -> TradeColumns:
        own_id = first_id if epoch == 0 else self._firsts[epoch - 1] + max(first_id, 1) - 1
        return self._tape.trades_from_id(own_id, limit, before_us)

    def _numbered(self, trades: TradeColumns) -> TradeColumns:
        if not self._firsts or not len(trades.id):
            return trades
        ids: Integers = trades.id.copy()
        for first in self._firsts:
            ids = np.where(trades.id >= first, trades.id - first + 1, ids)
        return concatenated([trades._replace(id=ids)])
