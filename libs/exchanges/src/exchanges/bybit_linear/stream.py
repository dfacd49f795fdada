"""Bybit's WebSocket of perpetuals, which speaks as that of spot markets does."""

from __future__ import annotations

from exchanges.bybit import wire
from exchanges.bybit.stream import BybitStream


class LinearStream(BybitStream):
    """Trades, best bid and ask and books of perpetuals, such as `BTC/USDT:USDT`."""

    category = wire.LINEAR
    example_url = "wss://stream.bybit.com/v5/public/linear"


class LinearWithContext(LinearStream):
    """The same, with mark and index price, funding, open interest and liquidations."""

    has_context = True
