"""The simulated exchange: Binance's protocol under a name of its own."""

from __future__ import annotations

from trades.exchanges.binance import Binance


class Simulator(Binance):
    """Speaks as Binance does; its markets are named apart, so that no store mixes them up."""

    name = "simulator"
