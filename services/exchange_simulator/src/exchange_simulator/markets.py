"""One market of the exchange: its tape and what it is called on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exchange_simulator.binance.frames import MarketFrames
from exchange_simulator.market.tape import Tape
from exchanges.binance import wire
from marketstream.errors import SettingsError

_KLINES_KEPT_US = 86_400_000_000  # a day, which takes a second or two to fold


@dataclass(frozen=True)
class Market:
    """A tape, the symbol as Binance writes it (`BTCUSDT`), and the frames in its decimals.

    Trades go back to `since_us`, klines to `klines_since_us`.
    """

    tape: Tape
    wire_symbol: str
    frames: MarketFrames
    since_us: int
    klines_since_us: int


def markets_of(tapes: Iterable[Tape], start_us: int) -> dict[str, Market]:
    """Return the markets, as of the start of the exchange, by wire symbol.

    Raises SettingsError for none, or two of one name.
    """
    markets: dict[str, Market] = {}
    for tape in tapes:
        wire_symbol = wire.wire_symbol(tape.symbol)
        if wire_symbol in markets:
            raise SettingsError(f"two markets are called {wire_symbol}: give each symbol once")
        frames = MarketFrames(wire_symbol, tape.price_decimals, tape.quantity_decimals)
        since_us = tape.start_us or 0
        klines_since_us = max(since_us, start_us - _KLINES_KEPT_US)
        markets[wire_symbol] = Market(tape, wire_symbol, frames, since_us, klines_since_us)
    if not markets:
        raise SettingsError("an exchange without markets: give at least one symbol")
    return markets
