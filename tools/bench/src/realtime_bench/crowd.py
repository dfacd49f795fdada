"""An exchange of very many markets: a few made-up ones, each under many names."""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache

from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.tape import QuoteColumns, Tape, TradeColumns
from exchange_simulator.server import RunningExchange, serve

_TAPES = 10
_QUOTES_OF = 10  # one of so many: most of a thousand real markets are calm
_REMEMBERED = 8


class _Shared:
    """A tape with few quotes that makes each stretch once, however many names it has."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.price_decimals, self.quantity_decimals = tape.price_decimals, tape.quantity_decimals
        self.start_us, self.end_us = tape.start_us, tape.end_us
        self.trades = lru_cache(_REMEMBERED)(tape.trades)
        self.quotes = lru_cache(_REMEMBERED)(self._few)
        self.trades_from_id = tape.trades_from_id
        self.quote_at = tape.quote_at

    def _few(self, from_us: int, to_us: int) -> QuoteColumns:
        quotes = self._tape.quotes(from_us, to_us)
        kept = quotes.update_id % _QUOTES_OF == 0
        return QuoteColumns(*(column[kept] for column in quotes))


class _Alias:
    """A tape under another name."""

    def __init__(self, tape: _Shared, symbol: str) -> None:
        self._tape = tape
        self.symbol = symbol
        self.price_decimals = tape.price_decimals
        self.quantity_decimals = tape.quantity_decimals
        self.start_us = tape.start_us
        self.end_us = tape.end_us

    def trades(self, from_us: int, to_us: int) -> TradeColumns:
        return self._tape.trades(from_us, to_us)

    def quotes(self, from_us: int, to_us: int) -> QuoteColumns:
        return self._tape.quotes(from_us, to_us)

    def trades_from_id(self, first_id: int, limit: int, before_us: int) -> TradeColumns:
        return self._tape.trades_from_id(first_id, limit, before_us)

    def quote_at(self, time_us: int) -> QuoteColumns:
        return self._tape.quote_at(time_us)


def symbols(count: int) -> tuple[str, ...]:
    """Return the names of so many markets."""
    return tuple(f"C{number}/USDT" for number in range(count))


def main() -> None:
    """Serve as many markets as the first argument says until killed; print the URLs.

    Each has so many trades a second as the second says; a third is the port, any without it.
    """
    count, per_second = int(sys.argv[1]), float(sys.argv[2])
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    names = symbols(count)
    tapes = [
        _Shared(SeededMarket(name, 1, trades_per_second=per_second)) for name in names[:_TAPES]
    ]
    crowd = [_Alias(tapes[number % _TAPES], name) for number, name in enumerate(names)]

    def announce(exchange: RunningExchange) -> None:
        sys.stdout.write(f"{exchange.ws_url} {exchange.rest_url}\n")
        sys.stdout.flush()

    asyncio.run(serve(crowd, port=port, announce=announce))


if __name__ == "__main__":
    main()
