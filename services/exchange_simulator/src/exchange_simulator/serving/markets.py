"""One market of the exchange: its tape and what it is called on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exchange_simulator.market.tape import Tape
from exchange_simulator.serving.decimals import decimal_text, exact_text
from marketstream.errors import SettingsError

_KLINES_KEPT_US = 86_400_000_000  # a day, which takes a second or two to fold


@dataclass(frozen=True)
class Market:
    """A tape and its symbol as the venue writes it (`BTCUSDT`).

    Trades go back to `since_us`, klines to `klines_since_us`.
    """

    tape: Tape
    wire_symbol: str
    since_us: int
    klines_since_us: int

    def price(self, ticks: int) -> str:
        """Return a price with all decimals of its tick."""
        return decimal_text(ticks, self.tape.price_decimals, self.tape.price_decimals)

    def quantity(self, lots: int) -> str:
        """Return a quantity with all decimals of its lot."""
        return decimal_text(lots, self.tape.quantity_decimals, self.tape.quantity_decimals)

    def value(self, ticks_times_lots: int) -> str:
        """Return a sum of prices times quantities, to eight decimals."""
        return exact_text(ticks_times_lots, self.tape.price_decimals + self.tape.quantity_decimals)


def markets_of(
    tapes: Iterable[Tape], start_us: int, wire_symbol: Callable[[str], str]
) -> dict[str, Market]:
    """Return the markets, as of the start of the exchange, by wire symbol.

    Raises SettingsError for none, or two of one name.
    """
    markets: dict[str, Market] = {}
    for tape in tapes:
        name = wire_symbol(tape.symbol)
        if name in markets:
            raise SettingsError(f"two markets are called {name}: give each symbol once")
        since_us = tape.start_us or 0
        klines_since_us = max(since_us, start_us - _KLINES_KEPT_US)
        markets[name] = Market(tape, name, since_us, klines_since_us)
    if not markets:
        raise SettingsError("an exchange without markets: give at least one symbol")
    return markets
