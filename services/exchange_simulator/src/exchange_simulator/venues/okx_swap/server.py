"""The WebSocket and REST of OKX's perpetual swaps that are settled in what they are quoted in."""

from __future__ import annotations

from exchange_simulator.venues.okx.server import OkxServer
from exchange_simulator.venues.okx.sizes import Sizes
from exchanges.okx import wire


class SwapServer(OkxServer):
    """The server of the swaps; a contract is worth a hundredth of a base unit."""

    kind = "SWAP"
    sizes = Sizes(contract_decimals=2)

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return `BTC-USDT-SWAP` for `BTC/USDT:USDT`; raises SettingsError if it is no swap."""
        return wire.swap_instrument(symbol)
