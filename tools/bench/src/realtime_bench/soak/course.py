"""A soak from its first trade to its verdict."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from exchanges.catalogue import venue_named
from marketstream.errors import StateError
from marketstream.store.sql import open_store
from realtime_bench.soak.comparison import Comparison, compare_store
from realtime_bench.soak.exchange import FaultyExchange, faulty_exchange
from realtime_bench.soak.freshness import Watch, first_fresh_ms, free_ms
from realtime_bench.soak.kinds import ASKED, KINDS
from realtime_bench.soak.lanes import Brought, Lanes
from realtime_bench.soak.plan import plan
from realtime_bench.soak.system import SystemUnderTest
from realtime_bench.soak.verdict import Course, Fault, Memory, Verdict, failures_of
from storekeeper.mending import can_mend

SYMBOLS = tuple(
    f"{base}/USDT"
    for base in ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "LTC", "DOT", "LINK")
)
_FIRST_S = 600.0  # ten models, on a machine that may have other work
_LAST_S = 60.0
_MEMORY_EVERY_S = 1.0
_AHEAD_US = 60_000_000

type Tell = Callable[[float, str], None]


class Soak(NamedTuple):
    """What a soak is to do: each kind of fault so many times, while so many trades happen.

    `trades_per_second` are of all markets together; `settle_s` is how long the REST API has to mend
    the rest, `fresh_within_s` how long fresh predictions may take.
    """

    seed: int = 1
    trades: int = 1_000_000
    trades_per_second: float = 1_500.0
    times: int = 10
    symbols: tuple[str, ...] = SYMBOLS
    kinds: frozenset[str] = frozenset(KINDS)
    venue: str = "binance"
    timeframe: str = "1s"
    settle_s: float = 30.0
    fresh_within_s: float = 10.0


def run(soak: Soak, folder: Path, tell: Tell) -> Verdict:
    """Bring the faults, let everything settle, and compare; `tell` hears how far it is."""
    rate = soak.trades_per_second / len(soak.symbols)
    with faulty_exchange(folder, soak.symbols, soak.seed, rate, soak.venue) as exchange:
        begin_us = _now_us()
        system = SystemUnderTest(folder, exchange)
        watch = Watch(soak.symbols, system.decided_ms)
        try:
            tell(0, "first predictions")
            system.start()
            lanes, memory, settled_us = _bring_all(soak, exchange, system, watch, begin_us, tell)
            exit_code = system.close()
        finally:
            system.kill()
        end_us = _now_us() + _AHEAD_US
        faults = _measured(lanes.brought, exchange, watch)
        comparisons = tuple(
            _compared(soak, exchange, system, symbol, (begin_us, settled_us, end_us))
            for symbol in soak.symbols
        )
    course = Course(
        faults=faults, memory=tuple(memory), seconds=round((settled_us - begin_us) / 1e6, 1),
        trades=sum(comparison.trades for comparison in comparisons), lives=system.lives,
        deaths=system.deaths, tracebacks=system.tracebacks, exit_code=exit_code,
    )  # fmt: skip
    failures = failures_of(
        course, comparisons, times=soak.times, fresh_within_s=soak.fresh_within_s,
        kinds=must_strike(soak),
    )  # fmt: skip
    return Verdict(soak.seed, course, comparisons, failures)


def must_strike(soak: Soak) -> list[str]:
    """Return the kinds that have to strike: those of REST only where what is missed is asked for.

    Where ids do not number the trades nothing shows what is missed, and nobody asks.
    """
    asks = venue_named(soak.venue).ids == "contiguous"
    return [kind for kind in KINDS if kind in soak.kinds and (asks or kind not in ASKED)]


def _bring_all(
    soak: Soak, exchange: FaultyExchange, system: SystemUnderTest, watch: Watch,
    begin_us: int, tell: Tell,
) -> tuple[Lanes, list[Memory], int]:  # fmt: skip
    """Bring what is planned until enough was traded; return when all was well again, too."""
    stop, over = threading.Event(), threading.Event()
    lanes = Lanes(exchange, system, watch, stop)
    course = plan(soak.seed, soak.symbols, soak.times, soak.kinds)
    seconds = soak.trades / soak.trades_per_second
    memory: list[Memory] = []
    with ThreadPoolExecutor(len(soak.symbols) + 2) as pool:
        watching = pool.submit(watch.run, over)
        try:
            watch.expect(soak.symbols, begin_us // 1_000)
            if not watch.wait(soak.symbols, _FIRST_S, over):
                raise StateError(f"no first prediction: {system.folder / 'log'} says why")
            every_s = seconds / max(1, len(course.connection))
            working = [pool.submit(lanes.to_connection, course.connection, every_s)]
            for faults in course.markets.values():
                every_s = seconds / max(1, len(faults))
                working.append(pool.submit(lanes.to_market, faults, every_s))
            started_s = time.monotonic()
            while True:
                after_s = time.monotonic() - started_s
                is_over = all(work.done() for work in working)
                if (is_over and after_s >= seconds) or any(
                    work.done() and work.exception() for work in (*working, watching)
                ):
                    break
                system.revive()
                mb = system.memory_mb()
                if mb is not None:
                    memory.append(Memory(system.lives, round(after_s, 1), round(mb, 1)))
                share = min(lanes.done / max(1, course.items), after_s / seconds)
                tell(share, f"{lanes.done} of {course.items} faults")
                time.sleep(_MEMORY_EVERY_S)
            stop.set()
            for work in working:
                work.result()
            tell(1, "settling")
            watch.wait(soak.symbols, _LAST_S, over)
            settled_us = _now_us()
            time.sleep(soak.settle_s)
        finally:
            stop.set()
            over.set()
        watching.result()
    return lanes, memory, settled_us


def _measured(
    brought: Sequence[Brought], exchange: FaultyExchange, watch: Watch
) -> tuple[Fault, ...]:
    """Return the faults that were brought, with what is known of them by now."""
    log = exchange.log()
    ordered = sorted(brought, key=lambda one: one.begin_ms)
    faults = []
    for one in ordered:
        struck = 1 if one.number is None else int(log[one.number]["struck"])
        waits: list[tuple[float, float] | None] = []
        for symbol in exchange.symbols if one.symbol is None else (one.symbol,):
            fresh_ms = first_fresh_ms(watch.samples[symbol], one.end_ms)
            if fresh_ms is None:
                waits.append(None)
                continue
            others = (
                (float(other.begin_ms), float(other.end_ms))
                for other in ordered
                if other.symbol in (None, symbol)
            )
            waited_ms = free_ms(one.end_ms, fresh_ms, others)
            waits.append(((fresh_ms - one.end_ms) / 1e3, waited_ms / 1e3))
        came = [wait for wait in waits if wait is not None]
        is_fresh = len(came) == len(waits)
        faults.append(
            Fault(
                one.kind, one.symbol, one.begin_ms, one.end_ms, struck,
                round(max(after for after, _ in came), 2) if is_fresh else None,
                round(max(waited for _, waited in came), 2) if is_fresh else None,
            )
        )  # fmt: skip
    return tuple(faults)


def _compared(
    soak: Soak, exchange: FaultyExchange, system: SystemUnderTest, symbol: str,
    times_us: tuple[int, int, int],
) -> Comparison:  # fmt: skip
    begin_us, settled_us, end_us = times_us
    # Where the exchange cannot tell, nothing has to be complete once it can.
    settled_ms = settled_us // 1_000 if can_mend(venue_named(soak.venue)) else 0
    store = open_store(system.database)
    try:
        return compare_store(
            store, f"{soak.venue}:{symbol}", soak.timeframe,
            exchange.truth(symbol, begin_us, end_us),
            from_ms=begin_us // 1_000 + 1_000, settled_until_ms=settled_ms,
        )  # fmt: skip
    finally:
        store.close()


def _now_us() -> int:
    return time.time_ns() // 1_000
