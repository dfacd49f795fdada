"""OKX's REST API of perpetuals: that of spot markets, but for what is said here.

Sizes are in contracts. https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
"""

from __future__ import annotations

from fractions import Fraction

from exchanges.answers import decimals_of, exact
from exchanges.okx import wire
from exchanges.okx.rest import OkxRest
from exchanges.venue import MarketInfo


class SwapRest(OkxRest):
    """The requests and answers of perpetuals, whose sizes are in contracts."""

    name = "okx-swap"
    kind = "SWAP"

    def instrument(self, symbol: str) -> str:
        """Return a perpetual as the exchange spells it: `BTC-USDT-SWAP`."""
        return wire.swap_instrument(symbol)

    def market_info(self, symbol: str, rules: wire.Instrument) -> MarketInfo:
        """Return tick, lot in base units, and what a contract is worth."""
        base = symbol.partition("/")[0]
        if rules.value_currency != base:
            raise ValueError(f"contracts of {rules.value_currency!r:.20}, not of {base}")
        size = exact(rules.value) * exact(rules.multiplier or "1")
        lot = exact(rules.lot) * size
        return MarketInfo(decimals_of(rules.tick), _decimals(lot), size)

    def volume(self, candle: wire.Candle) -> str:
        """Return what was traded, in base units, which candles say beside contracts."""
        return candle.currency


def _decimals(step: Fraction) -> int:
    """Return how many decimals multiples of a step have; ValueError if there is no end to them."""
    for decimals in range(19):
        if (step * 10**decimals).denominator == 1 and step > 0:
            return decimals
    raise ValueError(f"{step} is no step")
