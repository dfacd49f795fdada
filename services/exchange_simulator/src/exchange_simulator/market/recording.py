"""A market played from recorded Binance frames: the real trades and quotes, in their real order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from exchange_simulator.market.columns import chosen
from exchange_simulator.market.recorded import RecordedQuote, RecordedTrade, read_events
from exchange_simulator.market.tape import Integers, QuoteColumns, TradeColumns
from exchanges.binance.wire import wire_symbol
from marketstream.symbols import parse_symbol


class RecordedMarket:
    """The tape of one symbol in recorded Binance frames, raw or combined.

    Decimals are the most that any number needs, a trade id seen twice counts once, and
    `passed_over` counts the frames left out by kind. Times of quotes are estimated: see
    `market.recorded`.
    Raises InputError where a file cannot be read or holds no trade of the symbol.
    """

    def __init__(self, paths: Sequence[Path], symbol: str) -> None:
        self.symbol = parse_symbol(symbol)
        self.passed_over: Counter[str] = Counter()
        events = read_events(paths, wire_symbol(self.symbol), self.passed_over)
        events.sort(key=lambda event: event[0])
        trades: dict[int, tuple[int, int, RecordedTrade]] = {}
        quotes: list[tuple[int, int, RecordedQuote]] = []
        for sequence, (time_us, event) in enumerate(events):
            if isinstance(event, RecordedQuote):
                quotes.append((sequence, time_us, event))
            elif event.id in trades:
                self.passed_over["trade seen before"] += 1
            else:
                trades[event.id] = (sequence, time_us, event)
        self.start_us: int | None = events[0][0]
        self.end_us: int | None = events[-1][0] + 1

        rows = list(trades.values())
        books = [quote for _, _, quote in quotes]
        self.price_decimals, (prices, bids, asks) = _in_units(
            [row.price for _, _, row in rows],
            [book.bid for book in books],
            [book.ask for book in books],
        )
        self.quantity_decimals, (quantities, bid_quantities, ask_quantities) = _in_units(
            [row.quantity for _, _, row in rows],
            [book.bid_quantity for book in books],
            [book.ask_quantity for book in books],
        )
        self._trades = TradeColumns(
            id=np.array([row.id for _, _, row in rows], np.int64),
            time_us=np.array([time_us for _, time_us, _ in rows], np.int64),
            price=prices,
            quantity=quantities,
            buyer_is_maker=np.array([row.buyer_is_maker for _, _, row in rows], np.bool_),
            sequence=np.array([sequence for sequence, _, _ in rows], np.int64),
        )
        self._quotes = QuoteColumns(
            update_id=np.array([book.update_id for book in books], np.int64),
            time_us=np.array([time_us for _, time_us, _ in quotes], np.int64),
            bid=bids,
            bid_quantity=bid_quantities,
            ask=asks,
            ask_quantity=ask_quantities,
            sequence=np.array([sequence for sequence, _, _ in quotes], np.int64),
        )
        self._by_id = np.argsort(self._trades.id)

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        """Return the trades of a half-open range of time."""
        first, last = np.searchsorted(self._trades.time_us, (from_us, to_us))
        return chosen(self._trades, slice(first, last))

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        """Return the quotes of a half-open range of time."""
        first, last = np.searchsorted(self._quotes.time_us, (from_us, to_us))
        return QuoteColumns(*(column[first:last] for column in self._quotes))

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        """Return up to `limit` trades from id `first_id` on that happened before `before_us`."""
        first = np.searchsorted(self._trades.id, first_id, sorter=self._by_id)
        rows = self._by_id[first : first + limit]
        rows = rows[self._trades.time_us[rows] < before_us]
        return chosen(self._trades, rows)

    def quote_at(self, time_us: int) -> QuoteColumns:
        """Return the newest quote at or before `time_us`: one row, or none before the first."""
        last = int(np.searchsorted(self._quotes.time_us, time_us, side="right"))
        return QuoteColumns(*(column[max(last - 1, 0) : last] for column in self._quotes))


def _in_units(*columns: Sequence[str]) -> tuple[int, list[Integers]]:
    """Return the decimals that hold every number exactly, and the columns in units of the last."""
    parts = {text: text.partition(".") for column in columns for text in column}
    decimals = max(len(fraction.rstrip("0")) for _, _, fraction in parts.values())
    units = {
        text: int(whole + fraction[:decimals].ljust(decimals, "0"))
        for text, (whole, _, fraction) in parts.items()
    }
    return decimals, [np.array([units[text] for text in column], np.int64) for column in columns]
