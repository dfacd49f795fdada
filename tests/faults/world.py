"""`realtime run` on an exchange that fails, for one fault, and what it stored beside the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from marketstream.store.sql import open_store
from realtime_bench.soak.comparison import Comparison, compare_store, table
from realtime_bench.soak.exchange import FaultyExchange, faulty_exchange
from realtime_bench.soak.freshness import Watch
from realtime_bench.soak.kinds import FRAMES
from realtime_bench.soak.lanes import FRAME_SHARE
from realtime_bench.soak.system import SystemUnderTest

SYMBOL = "BTC/USDT"
TIMEFRAME = "1s"
FRESH_S = 10.0
_FIRST_S = 90.0
_BEFORE_S = 2.0
_SETTLE_S = 5.0
_AHEAD_US = 60_000_000  # the system goes on while its store is read

type Act = Callable[[FaultyExchange, SystemUnderTest], None]


def lasting(kinds: Sequence[str], seconds: float) -> Act:
    """Let faults of these kinds last, together; those of frames strike one in twenty."""

    def act(exchange: FaultyExchange, _system: SystemUnderTest) -> None:
        for kind in kinds:
            share = FRAME_SHARE if kind in FRAMES else None
            exchange.begin(kind, seconds=10 * seconds, share=share)
        time.sleep(seconds)
        for kind in kinds:
            exchange.end(kind)

    return act


class World:
    """A running system that faults come to one after another; each is compared by itself."""

    def __init__(self, folder: Path, exchange: FaultyExchange) -> None:
        self.exchange = exchange
        self._folder = folder
        self.system = SystemUnderTest(folder, exchange)
        self.system.start()
        assert self.fresh_within(_FIRST_S) is not None, (folder / "log").read_text()

    def fresh_within(self, seconds: float) -> float | None:
        """Wait for a prediction made after now; return the seconds it took."""
        started = time.monotonic()
        watch, over = Watch([SYMBOL], self.system.decided_ms), threading.Event()
        watch.expect([SYMBOL], now_us() // 1_000)
        watching = threading.Thread(target=watch.run, args=(over,))
        watching.start()
        try:
            is_fresh = watch.wait([SYMBOL], seconds, over)
        finally:
            over.set()
            watching.join()
        return time.monotonic() - started if is_fresh else None

    def stored_after(self, act: Act) -> tuple[Comparison, float | None]:
        """Return what is stored since before a fault, compared; and how long predictions took."""
        begin_us = now_us()
        time.sleep(_BEFORE_S)
        act(self.exchange, self.system)
        fresh_s = self.fresh_within(6 * FRESH_S)
        settled_us = now_us()
        time.sleep(_SETTLE_S)
        store = open_store(self.system.database)
        try:
            compared = compare_store(
                store,
                f"binance:{SYMBOL}",
                TIMEFRAME,
                self.exchange.truth(SYMBOL, begin_us, now_us() + _AHEAD_US),
                from_ms=begin_us // 1_000 + 1_000,
                settled_until_ms=settled_us // 1_000,
            )
        finally:
            store.close()
        return compared, fresh_s


@contextmanager
def running(folder: Path, *, rate: float = 100.0) -> Iterator[World]:
    """Give a running system on an exchange that fails; in the end it has said no traceback."""
    with faulty_exchange(folder, [SYMBOL], 1, rate) as exchange:
        world = World(folder, exchange)
        try:
            yield world
            assert world.system.close() == 0
        finally:
            world.system.kill()
    assert world.system.tracebacks == 0, (folder / "log.all").read_text()


def assert_proven(compared: Comparison) -> None:
    """Every claim holds: nothing lost, doubled, wrong or needlessly incomplete."""
    assert compared.kept, f"\n{table([compared])}\n{compared.violations[:20]}"


def now_us() -> int:
    """Return the exchange's time, which is the clock's."""
    return time.time_ns() // 1_000
