"""OKX's WebSocket of perpetuals, which speaks as that of spot markets does, in contracts."""

from __future__ import annotations

from collections.abc import Sequence

from exchanges.okx import wire
from exchanges.okx.stream import OkxChannel, OkxStream
from exchanges.okx_swap.context import LIQUIDATIONS, OF_INDEX, OF_SWAP, reading_liquidations


class SwapStream(OkxStream):
    """Trades, best bid and ask and books of perpetuals, such as `BTC/USDT:USDT`."""

    def instrument(self, symbol: str) -> str:
        """Return a perpetual as the exchange spells it: `BTC-USDT-SWAP`."""
        return wire.swap_instrument(symbol)


class SwapWithContext(SwapStream):
    """The same, with mark and index price, funding, open interest and liquidations."""

    def channels_beside(self, symbols: Sequence[str]) -> dict[tuple[str, str], OkxChannel]:
        """Return the channels of each swap and its index, and the one of all liquidations."""
        markets = dict(zip(map(self.instrument, symbols), self.markets, strict=True))
        channels = {}
        for instrument, market in markets.items():
            index = instrument.removesuffix("-SWAP")
            for name, read in OF_SWAP.items():
                channels[name, instrument] = OkxChannel(market, instrument, read)
            for name, read in OF_INDEX.items():
                channels[name, index] = OkxChannel(market, index, read)
        liquidations = reading_liquidations(markets)
        return channels | {(LIQUIDATIONS, ""): OkxChannel("", "all swaps", liquidations)}
