"""The simulated exchange as the command starts it: in the foreground, or in a child process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from exchange_simulator.faults.spec import Spec, parse_spec
from exchange_simulator.market.ceiling import ceiling
from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.tape import Tape
from exchange_simulator.server import RunningExchange, serve
from marketstream.child import Child
from marketstream.errors import InputError, NetworkError, RealtimeError, SettingsError
from marketstream.symbols import market_of

CONTROL_SPREAD_BPS = 5.0
USUAL_VENUE = "binance"
_CEILING_FROM_US = 1_704_067_200_000_000  # 2024-01-01


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """Which markets of a venue to simulate: recorded ones, or seeded ones, or the control.

    With `strict` unset, symbols that the recording does not hold are left out. Seeded ones show
    what they hide `lag_ms` later; quotes of all come `quote_lag_ms` after the trades they explain.
    """

    symbols: tuple[str, ...]
    recordings: tuple[Path, ...] = ()
    seed: int = 1
    control: bool = False
    trades_per_second: float = 50.0
    strict: bool = True
    venue: str = USUAL_VENUE
    lag_ms: int = 0
    quote_lag_ms: int = 0

    def tapes(self) -> list[Tape]:
        """Make the markets; InputError where a recording cannot be read or has none of them."""
        if not self.recordings:
            return [self.seeded(symbol) for symbol in self.symbols]
        tapes: list[Tape] = []
        missing: list[InputError] = []
        for symbol in self.symbols:
            try:
                tapes.append(RecordedMarket(self.recordings, symbol))
            except InputError as error:
                missing.append(error)
        if missing and (self.strict or not tapes):
            raise missing[0]
        return tapes

    def seeded(self, symbol: str) -> SeededMarket:
        """Make up the market of one symbol."""
        venue = None if self.venue == USUAL_VENUE else self.venue
        market = partial(
            SeededMarket, symbol, self.seed, trades_per_second=self.trades_per_second,
            venue=venue, lag_ms=self.lag_ms,
        )  # fmt: skip
        return market(signals=False, spread_bps=CONTROL_SPREAD_BPS) if self.control else market()


@dataclass(frozen=True, slots=True)
class Announcement:
    """Where a simulated exchange listens and what it trades."""

    ws_url: str
    rest_url: str
    symbols: tuple[str, ...]
    recording: bool
    venue: str = USUAL_VENUE


class SimulatorProcess:
    """A simulated exchange in a child process."""

    def __init__(self, choice: MarketChoice, speed: float, faults: str | None = None) -> None:
        self._child = Child("exchange_simulator", _serve_child, choice, speed, faults)

    async def announcement(self) -> Announcement:
        """Wait until it listens; raises whatever kept it from doing so."""
        said = await asyncio.to_thread(self._receive)
        if isinstance(said, RealtimeError):
            raise said
        return said

    async def ended(self) -> None:
        """Wait until it is done: a recording played to its end."""
        await asyncio.to_thread(self._receive_end)

    def stop(self) -> None:
        """End the process."""
        self._child.stop()

    def _receive(self) -> Announcement | RealtimeError:
        try:
            said: Announcement | RealtimeError = self._child.connection.recv()
        except (EOFError, OSError) as error:
            raise NetworkError("the simulated exchange ended before it listened") from error
        return said

    def _receive_end(self) -> None:
        try:
            self._child.connection.recv()
        except (EOFError, OSError):
            return


async def simulate(
    choice: MarketChoice,
    *,
    speed: float,
    host: str = "127.0.0.1",
    port: int,
    faults: str | None = None,
    announce: Callable[[Announcement], None],
) -> None:
    """Run a simulated exchange until it is cancelled or its recordings have ended.

    Raises SettingsError for `faults` that cannot be read.
    """
    spec: Spec | None = None if faults is None else parse_spec(faults)
    tapes = choice.tapes()

    def listening(exchange: RunningExchange) -> None:
        announce(
            Announcement(
                ws_url=exchange.ws_url,
                rest_url=exchange.rest_url,
                symbols=tuple(tape.symbol for tape in tapes),
                recording=bool(choice.recordings),
                venue=choice.venue,
            )
        )

    await serve(
        tapes, venue=choice.venue, host=host, port=port, speed=speed, faults=spec,
        quote_lag_ms=choice.quote_lag_ms, announce=listening,
    )  # fmt: skip


async def simulate_all(
    choices: Sequence[MarketChoice],
    *,
    speed: float,
    host: str = "127.0.0.1",
    port: int,
    faults: str | None = None,
    announce: Callable[[Sequence[Announcement]], None],
) -> None:
    """Run a simulated exchange for each choice, on ports one after the other, until all have ended.

    `announce` is called once, when all of them listen. Where one cannot be had, none goes on.
    """
    said: list[Announcement] = []

    def listening(announcement: Announcement) -> None:
        said.append(announcement)
        if len(said) == len(choices):
            places = [choice.venue for choice in choices]
            announce(sorted(said, key=lambda one: places.index(one.venue)))

    try:
        async with asyncio.TaskGroup() as group:
            for number, choice in enumerate(choices):
                own_port = port + number if port else 0
                group.create_task(
                    simulate(
                        choice, speed=speed, host=host, port=own_port, faults=faults,
                        announce=listening,
                    )
                )  # fmt: skip
    except* RealtimeError as errors:
        raise errors.exceptions[0] from errors


def _serve_child(
    connection: Connection, choice: MarketChoice, speed: float, faults: str | None
) -> None:
    try:
        asyncio.run(_serve_until_parent_ends(connection, choice, speed, faults))
    except RealtimeError as error:
        connection.send(error)


async def _serve_until_parent_ends(
    connection: Connection, choice: MarketChoice, speed: float, faults: str | None
) -> None:
    loop = asyncio.get_running_loop()
    serving = loop.create_task(
        simulate(choice, speed=speed, port=0, faults=faults, announce=connection.send)
    )
    loop.add_reader(connection.fileno(), serving.cancel)  # readable: the parent hung up
    await asyncio.wait([serving])
    loop.remove_reader(connection.fileno())
    if not serving.cancelled():
        serving.result()


type Ceilings = dict[str, list[dict[str, object]]]


def ceilings(choices: Sequence[MarketChoice], hours: int = 3) -> Ceilings:
    """Return by market how good an oracle is over the first `hours` of 2024.

    Where one choice leads and others lag, their rows say too how good it is if it sees the leader's
    market of the same coin. A recording has none: nobody knows its hidden state.
    """
    if any(choice.recordings for choice in choices):
        raise SettingsError("a recording has no ceiling: only made-up markets know what they hide")
    if any(choice.quote_lag_ms for choice in choices):
        raise SettingsError("--ceiling is of quotes that are on time: leave out --quote-lag")
    lead = min(choices, key=lambda choice: choice.lag_ms)
    leaders = {_coin(symbol): lead.seeded(symbol) for symbol in lead.symbols}
    result: Ceilings = {}
    for choice in choices:
        for market in map(choice.seeded, choice.symbols):
            leader = leaders.get(_coin(market.symbol)) if choice.lag_ms > lead.lag_ms else None
            name = market.symbol if len(choices) == 1 else market_of(choice.venue, market.symbol)
            result[name] = [
                _ceiling_row(market, leader, hours, horizon_ms, latency_ms)
                for horizon_ms in (1_000, 2_000, 5_000, 10_000)
                for latency_ms in (0, 200)
            ]
    return result


def _coin(symbol: str) -> str:
    return symbol.partition("/")[0]


def _ceiling_row(
    market: SeededMarket,
    leader: SeededMarket | None,
    hours: int,
    horizon_ms: int,
    latency_ms: int,
) -> dict[str, object]:
    score = partial(
        ceiling,
        market,
        from_us=_CEILING_FROM_US,
        to_us=_CEILING_FROM_US + hours * 3_600_000_000,
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
    )
    found = score()
    row: dict[str, object] = {
        "horizon_ms": horizon_ms,
        "latency_ms": latency_ms,
        "rows": found.n,
        "moved": found.moved,
        "accuracy": found.accuracy,
    }
    if leader is not None:
        row["accuracy_with_leader"] = score(leader=leader).accuracy
    return row
