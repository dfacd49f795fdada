"""Where the trades come from: a real exchange, or a simulated one in a child process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from exchanges.venue import ADAPTERS
from exchanges.venue import Exchange as Adapter
from realtime_training.commands.run.options import RunOptions
from realtime_training.commands.simulate.work import MarketChoice, SimulatorProcess
from realtime_training.settings import Settings


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where the trades come from."""

    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]
    adapter: type[Adapter]
    simulator: SimulatorProcess | None


@contextlib.asynccontextmanager
async def connected_exchange(options: RunOptions, settings: Settings) -> AsyncIterator[Exchange]:
    """Give the exchange that was asked for, started where it is simulated and stopped after."""
    if options.exchange != "simulator":
        trades = settings.trades
        symbols = options.symbols or tuple(trades.symbols)
        adapter = ADAPTERS[options.exchange]
        yield Exchange(trades.ws_url, trades.rest_url, symbols, adapter, None)
        return
    choice = MarketChoice(
        symbols=options.symbols or tuple(settings.trades.symbols),
        recordings=options.recordings,
        seed=options.seed,
        strict=bool(options.symbols),
    )
    simulator = SimulatorProcess(choice, options.speed)
    try:
        said = await simulator.announcement()
        yield Exchange(said.ws_url, said.rest_url, said.symbols, ADAPTERS["binance"], simulator)
    finally:
        simulator.stop()
