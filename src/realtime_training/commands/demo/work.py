"""The two exchanges of the demo, and settings by which one of their markets looks at the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from exchanges.settings import HostSettings
from marketstream.symbols import market_of
from realtime_training import system
from realtime_training.commands.run.options import RunOptions
from realtime_training.commands.simulate.work import MarketChoice, SimulatorProcess
from realtime_training.datasets.profiles import Entry, with_features
from realtime_training.settings import Settings

LAG_MS = 200
_RETRAIN_EVERY_MS = 60_000
_OF_LEADERS: tuple[Entry, ...] = (
    "leader_imbalance",
    {"leader_return": {"seconds": 0.25}},
    {"leader_return": {"seconds": 1}},
    {"leader_basis_change": {"seconds": 1}},
)


def choices(seed: int) -> dict[str, MarketChoice]:
    """Return which market each exchange shows; each seed is a pair of exchanges of its own."""
    of_seed = "" if seed == 1 else f"-{seed}"
    return {
        f"leader{of_seed}": MarketChoice(("BTC/USDT:USDT",), seed=seed, venue="binance-usdm"),
        f"follower{of_seed}": MarketChoice(("BTC/USD",), seed=seed, venue="kraken", lag_ms=LAG_MS),
    }


def looking_at_leaders(settings: Settings) -> Settings:
    """Return the settings with features of leaders, beside those that there are."""
    return with_features(settings, _OF_LEADERS)


async def play(settings: Settings, *, seed: int, port: int, state: Path) -> None:
    """Run exchanges and system until Ctrl-C; raises what keeps either from starting."""
    chosen = choices(seed)
    simulators = {name: SimulatorProcess(choice, 1.0) for name, choice in chosen.items()}
    try:
        said = await asyncio.gather(*(one.announcement() for one in simulators.values()))
        hosts = {
            name: HostSettings(venue=one.venue, ws_url=one.ws_url, rest_url=one.rest_url)
            for name, one in zip(simulators, said, strict=True)
        }
        markets = tuple(
            market_of(name, one.symbols[0]) for name, one in zip(simulators, said, strict=True)
        )
        following = settings.trades.model_copy(update={"hosts": hosts})
        options = RunOptions(
            markets=markets,
            groups={"demo": markets},
            exchange=None,
            any_recorded=False,
            timeframe="1s",
            horizons=(1, 2, 5, 10),
            recordings=(),
            seed=seed,
            speed=1.0,
            faults=None,
            levels=settings.trades.levels,
            retrain_every_ms=_RETRAIN_EVERY_MS,
            latency_ms=0,
            host=settings.api.host,
            port=port,
            state=state,
        )
        await system.run(options, replace(looking_at_leaders(settings), trades=following))
    finally:
        for simulator in simulators.values():
            simulator.stop()
