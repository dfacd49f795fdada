"""What `realtime run` was asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketstream.errors import SettingsError
from marketstream.symbols import market_of, split_market
from realtime_training.settings import Settings

SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `realtime run` was asked for; `speed` and `faults` are those of the simulated market.

    Of `exchange`, where one is named, the settings say where it is.
    `markets` are all that are followed; those of `SIMULATOR` it makes up or plays, all that it
    has where `any_recorded`.
    """

    markets: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    exchange: str | None
    any_recorded: bool
    timeframe: str
    horizons: tuple[int, ...]
    recordings: tuple[Path, ...]
    seed: int
    speed: float
    faults: str | None
    levels: int
    retrain_every_ms: int
    latency_ms: int
    host: str
    port: int
    state: Path
    context: bool = False

    @property
    def simulated(self) -> tuple[str, ...]:
        """The symbols of markets that are simulated."""
        split = map(split_market, self.markets)
        return tuple(symbol for exchange, symbol in split if exchange == SIMULATOR)

    @property
    def simulator_name(self) -> str:
        """Name the simulator: each seed, and a recording, is an exchange of its own."""
        if self.recordings:
            return "recording"
        return SIMULATOR if self.seed == 1 else f"{SIMULATOR}-{self.seed}"

    def groups_of(self, markets: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return the groups of these markets, with the simulator under its name."""

        def named(market: str) -> str:
            exchange, symbol = split_market(market)
            return market_of(self.simulator_name, symbol) if exchange == SIMULATOR else market

        return {
            name: tuple(market for market in map(named, some) if market in markets)
            for name, some in self.groups.items()
        }


def followed(
    markets: Sequence[str],
    exchange: str | None,
    symbols: Sequence[str],
    groups: Mapping[str, tuple[str, ...]],
    settings: Settings,
) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
    """Return markets and groups that options ask for, or else the settings.

    They are the simulator's where nobody says whose. Raises SettingsError where options contradict
    each other, or a group names a market that is not followed.
    """
    if markets and (exchange or symbols):
        raise SettingsError("--market says exchange and symbol: leave out --exchange and --symbol")
    if not markets and not exchange and not symbols and settings.plan.markets:
        markets = settings.plan.markets
        groups = groups or {name: tuple(some) for name, some in settings.plan.groups.items()}
    names = symbols or settings.trades.symbols
    found = markets or [market_of(exchange or SIMULATOR, symbol) for symbol in names]
    for market in (market for some in groups.values() for market in some):
        if market not in found:
            raise SettingsError(f"group: {market} is not followed: add --market {market}")
    return tuple(dict.fromkeys(found)), groups
