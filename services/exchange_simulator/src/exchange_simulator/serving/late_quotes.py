"""A tape whose quotes come later than the trades that they explain."""

from __future__ import annotations

from exchange_simulator.market.tape import QuoteColumns, Tape, TradeColumns
from marketstream.errors import SettingsError

LONGEST_MS = 60_000


class LateQuotes:
    """A tape; whoever is shown it hears of each change of best bid and ask `lag_ms` later.

    Quotes are dated when they are told, as by a venue that stamps them on their way out: the
    newest one before a close is then one from before the last trades, and that makes the most skill
    out of nothing. Books are made of quotes and are as late.
    """

    def __init__(self, tape: Tape, lag_ms: int) -> None:
        if not 0 <= lag_ms <= LONGEST_MS:
            raise SettingsError(
                f"quotes {lag_ms} ms late: choose from 0 to {LONGEST_MS} ms (--quote-lag)"
            )
        self.symbol = tape.symbol
        self.price_decimals = tape.price_decimals
        self.quantity_decimals = tape.quantity_decimals
        self.start_us = tape.start_us
        self.end_us = tape.end_us
        self._tape = tape
        self._lag_us = lag_ms * 1_000

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        """Return the trades of a half-open range of time."""
        return self._tape.trades(from_us, to_us)

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        """Return the quotes that are told of in a half-open range of time."""
        return self._dated(self._tape.quotes(from_us - self._lag_us, to_us - self._lag_us))

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        """Return up to `limit` trades from an id on that happened before a time."""
        return self._tape.trades_from_id(first_id, limit, before_us)

    def quote_at(self, time_us: int) -> QuoteColumns:
        """Return the newest quote that was told of by a time."""
        return self._dated(self._tape.quote_at(time_us - self._lag_us))

    def _dated(self, quotes: QuoteColumns) -> QuoteColumns:
        return quotes._replace(time_us=quotes.time_us + self._lag_us)
