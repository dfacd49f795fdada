"""Where the trades come from: a real exchange, or a simulated one in a child process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from realtime_training.commands.run.options import RunOptions
from realtime_training.commands.simulate.work import MarketChoice, SimulatorProcess
from realtime_training.settings import Settings


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where the trades come from; the URLs are None for an exchange's own."""

    ws_url: str | None
    rest_url: str | None
    symbols: tuple[str, ...]
    simulator: SimulatorProcess | None


@contextlib.asynccontextmanager
async def connected_exchange(options: RunOptions, settings: Settings) -> AsyncIterator[Exchange]:
    """Give the exchange that was asked for, started where it is simulated and stopped after."""
    if options.exchange != "simulator":
        trades = settings.trades
        symbols = options.symbols or tuple(trades.symbols)
        yield Exchange(trades.ws_url, trades.rest_url, symbols, None)
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
        yield Exchange(said.ws_url, said.rest_url, said.symbols, simulator)
    finally:
        simulator.stop()
