"""Where the trades come from: real exchanges, or a simulated one in a child process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exchanges.settings import HostSettings
from marketstream.symbols import market_of, split_market
from realtime_training.commands.run.options import SIMULATOR, RunOptions

if TYPE_CHECKING:
    from realtime_training.commands.simulate.work import SimulatorProcess


@dataclass(frozen=True, slots=True)
class Exchange:
    """The markets there are, and where those are that the settings know nothing of."""

    markets: tuple[str, ...]
    hosts: Mapping[str, HostSettings]
    simulator: SimulatorProcess | None


@contextlib.asynccontextmanager
async def connected_exchange(options: RunOptions) -> AsyncIterator[Exchange]:
    """Give the exchanges that were asked for, the simulated one started, and stopped after."""
    if not options.simulated:
        yield Exchange(options.markets, {}, None)
        return
    from realtime_training.commands.simulate.work import MarketChoice, SimulatorProcess

    choice = MarketChoice(
        symbols=options.simulated,
        recordings=options.recordings,
        seed=options.seed,
        strict=not options.any_recorded,
    )
    simulator = SimulatorProcess(choice, options.speed, options.faults)
    try:
        said = await simulator.announcement()
        name = options.simulator_name
        real = [one for one in options.markets if split_market(one)[0] != SIMULATOR]
        host = HostSettings(venue="binance", ws_url=said.ws_url, rest_url=said.rest_url)
        simulated = [market_of(name, symbol) for symbol in said.symbols]
        yield Exchange((*simulated, *real), {name: host}, simulator)
    finally:
        simulator.stop()
