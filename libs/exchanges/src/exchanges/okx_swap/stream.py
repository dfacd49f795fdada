"""OKX's WebSocket of perpetuals, which speaks as that of spot markets does, in contracts."""

from __future__ import annotations

from exchanges.okx import wire
from exchanges.okx.stream import OkxStream


class SwapStream(OkxStream):
    """Trades, best bid and ask and books of perpetuals, such as `BTC/USDT:USDT`."""

    def instrument(self, symbol: str) -> str:
        """Return a perpetual as the exchange spells it: `BTC-USDT-SWAP`."""
        return wire.swap_instrument(symbol)
