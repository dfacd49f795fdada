"""`realtime run` behind a line that fails, for one fault, and what it stored beside the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exchange_simulator import SeededMarket
from marketstream.store.sql import open_store
from realtime_bench.soak.comparison import Comparison, compare_store, table
from realtime_bench.soak.line import FaultyLine, serving_in_a_thread
from realtime_bench.soak.system import SystemUnderTest
from realtime_bench.soak.truth import truth_of

SYMBOLS = ("BTC/USDT",)
TIMEFRAME = "1s"
FRESH_S = 10.0
_FIRST_S = 90.0
_BEFORE_S = 2.0
_SETTLE_S = 5.0
_AHEAD_US = 60_000_000  # the system goes on while its store is read

type Act = Callable[[FaultyLine, SystemUnderTest], None]


def lasting(kinds: Sequence[str], seconds: float) -> Act:
    """Let faults of these kinds last, together."""

    def act(line: FaultyLine, _system: SystemUnderTest) -> None:
        for kind in kinds:
            line.begin(kind)
        time.sleep(seconds)
        for kind in kinds:
            line.end(kind)

    return act


class World:
    """A running system that faults come to one after another; each is compared by itself."""

    def __init__(self, folder: Path, line: FaultyLine, tape: SeededMarket) -> None:
        self.line = line
        self._folder = folder
        self._tape = tape
        self.system = SystemUnderTest(folder, line, SYMBOLS)
        self.system.start()
        assert self.system.fresh_within(_FIRST_S) is not None, (folder / "log").read_text()

    def stored_after(self, act: Act) -> tuple[Comparison, float | None]:
        """Return what is stored since before a fault, compared; and how long predictions took."""
        begin_us = self.line.exchange.market_time_us
        time.sleep(_BEFORE_S)
        act(self.line, self.system)
        fresh_s = self.system.fresh_within(6 * FRESH_S)
        settled_us = self.line.exchange.market_time_us
        time.sleep(_SETTLE_S)
        end_us = self.line.exchange.market_time_us + _AHEAD_US
        store = open_store(self.system.database)
        try:
            compared = compare_store(
                store,
                f"binance:{SYMBOLS[0]}",
                TIMEFRAME,
                truth_of(self._tape, begin_us, end_us),
                from_ms=begin_us // 1_000 + 1_000,
                settled_until_ms=settled_us // 1_000,
            )
        finally:
            store.close()
        return compared, fresh_s


@contextmanager
def running(folder: Path, *, rate: float = 100.0) -> Iterator[World]:
    """Give a running system behind a line that fails; in the end it has said no traceback."""
    tape = SeededMarket(SYMBOLS[0], 1, trades_per_second=rate)
    with serving_in_a_thread([tape], 1) as line:
        world = World(folder, line, tape)
        try:
            yield world
            assert world.system.close() == 0
        finally:
            world.system.kill()
    assert world.system.tracebacks == 0, (folder / "log.all").read_text()


def assert_proven(compared: Comparison) -> None:
    """Every claim holds: nothing lost, doubled, wrong or needlessly incomplete."""
    assert compared.kept, f"\n{table([compared])}\n{compared.violations[:20]}"
