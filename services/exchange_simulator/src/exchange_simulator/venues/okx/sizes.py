"""In what OKX counts quantities: in base units, or in contracts that are worth so many."""

from __future__ import annotations

from typing import NamedTuple

from exchange_simulator.serving.decimals import decimal_text
from exchange_simulator.serving.markets import Market


class Sizes(NamedTuple):
    """A contract is worth `10**-contract_decimals` base units; 0 in spot markets."""

    contract_decimals: int = 0

    def text(self, market: Market, lots: int) -> str:
        """Return a number of lots as it is written."""
        decimals = market.tape.quantity_decimals - self.decimals(market)
        return decimal_text(lots, decimals, decimals)

    def decimals(self, market: Market) -> int:
        """Return the decimals of a contract's worth, which is a lot or more."""
        return min(self.contract_decimals, market.tape.quantity_decimals)

    def value(self, market: Market) -> str:
        """Return what a contract is worth."""
        decimals = self.decimals(market)
        return decimal_text(1, decimals, decimals)
