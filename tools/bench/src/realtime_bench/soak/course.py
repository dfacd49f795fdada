"""A soak from its first trade to its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from exchange_simulator import SeededMarket
from marketstream.errors import StateError
from marketstream.store.sql import open_store
from realtime_bench.soak.comparison import Comparison, compare_store
from realtime_bench.soak.corruptions import KILLS
from realtime_bench.soak.line import FaultyLine, serving_in_a_thread
from realtime_bench.soak.plan import Planned, plan
from realtime_bench.soak.system import SystemUnderTest
from realtime_bench.soak.truth import truth_of

FRESH_S = 10.0
_PATIENCE_S = 60.0
_BETWEEN_S = 1.0
_KILL_IN_HISTORY_S = 2.5
_CUT_BEFORE_KILL_S = 2.0
_KILL_IN_REPAIR_S = 0.3
_GROWTH = 1.5  # of the memory, from the first third to the last


class Fault(msgspec.Struct, frozen=True):
    """A fault that was brought: when, in market time, and how long predictions took afterwards."""

    kind: str
    begin_ms: int
    end_ms: int
    fresh_after_s: float | None


class Soak(msgspec.Struct, frozen=True):
    """What a soak was asked to do; `settle_s` is how long the REST API has to mend the rest."""

    seed: int
    seconds: float
    trades: int
    faults: int
    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT")
    kinds: tuple[str, ...] = ()
    settle_s: float = 60.0


class Verdict(msgspec.Struct, frozen=True):
    """What came of it; `failures` says in words what was claimed and does not hold."""

    soak: Soak
    faults: tuple[Fault, ...]
    memory_mb: tuple[float, ...]
    tracebacks: int
    comparisons: tuple[Comparison, ...]
    failures: tuple[str, ...]


def run(soak: Soak, folder: Path, timeframe: str, tell: Callable[[float, str], None]) -> Verdict:
    """Bring the faults, let everything settle, and compare; `tell` hears how far it is."""
    rate = soak.trades / soak.seconds / len(soak.symbols)
    tapes = [SeededMarket(symbol, soak.seed, trades_per_second=rate) for symbol in soak.symbols]
    with serving_in_a_thread(tapes, soak.seed) as line:
        begin_us = line.exchange.market_time_us
        system = SystemUnderTest(folder, line, soak.symbols)
        system.start()
        try:
            tell(0, "first predictions")
            _warm_up(system)
            faults, memory = _bring_all(soak, line, system, tell)
            tell(1, "settling")
            settled_ms = line.exchange.market_time_us // 1_000
            time.sleep(soak.settle_s)
            system.close()
        except BaseException:
            system.kill()
            raise
        end_us = line.exchange.market_time_us
    store = open_store(system.database)
    try:
        comparisons = tuple(
            compare_store(
                store,
                f"binance:{symbol}",
                timeframe,
                truth_of(tape, begin_us - 3_600_000_000, end_us),
                from_ms=begin_us // 1_000 + 1_000,
                settled_until_ms=settled_ms,
            )
            for symbol, tape in zip(soak.symbols, tapes, strict=True)
        )
    finally:
        store.close()
    failures = _failures(faults, memory, system.tracebacks, comparisons)
    return Verdict(soak, tuple(faults), tuple(memory), system.tracebacks, comparisons, failures)


def _warm_up(system: SystemUnderTest) -> None:
    if system.fresh_within(3 * _PATIENCE_S) is None:
        raise StateError(f"no first prediction: {system.folder / 'log'} says why")


def _bring_all(
    soak: Soak, line: FaultyLine, system: SystemUnderTest, tell: Callable[[float, str], None]
) -> tuple[list[Fault], list[float]]:
    faults, memory = [], []
    started = time.monotonic()
    for done, planned in enumerate(plan(soak.seed, soak.faults, soak.kinds)):
        tell(done / soak.faults, planned.kind)
        faults.append(_bring(planned, line, system))
        memory.append(round(system.memory_mb(), 1))
        next_s = soak.seconds * (done + 1) / soak.faults
        time.sleep(max(_BETWEEN_S, next_s - (time.monotonic() - started)))
    return faults, memory


def _bring(planned: Planned, line: FaultyLine, system: SystemUnderTest) -> Fault:
    begin_ms = line.exchange.market_time_us // 1_000
    if planned.kind in KILLS:
        _kill(planned.kind, line, system)
    else:
        line.begin(planned.kind)
        time.sleep(planned.seconds)
        line.end(planned.kind)
    if system.ended:
        system.kill()
        system.start()
    end_ms = line.exchange.market_time_us // 1_000
    fresh = system.fresh_within(_PATIENCE_S)
    return Fault(planned.kind, begin_ms, end_ms, None if fresh is None else round(fresh, 2))


def _kill(kind: str, line: FaultyLine, system: SystemUnderTest) -> None:
    if kind == "kill_in_repair":
        line.begin("cut")
        time.sleep(_CUT_BEFORE_KILL_S)
        line.end("cut")
        time.sleep(_KILL_IN_REPAIR_S)
    system.kill()
    system.start()
    if kind == "kill_in_history":
        time.sleep(_KILL_IN_HISTORY_S)
        system.kill()
        system.start()


def _failures(
    faults: list[Fault], memory: list[float], tracebacks: int, comparisons: tuple[Comparison, ...]
) -> tuple[str, ...]:
    failures = [
        f"{fault.kind} at {fault.begin_ms}: fresh predictions after "
        + (f"{fault.fresh_after_s} s" if fault.fresh_after_s is not None else "no time at all")
        for fault in faults
        if fault.fresh_after_s is None or fault.fresh_after_s > FRESH_S
    ]
    third = len(memory) // 3
    if third and max(memory[-third:]) > _GROWTH * max(memory[:third]):
        failures.append(f"memory grew from {max(memory[:third])} to {max(memory[-third:])} MB")
    if tracebacks:
        failures.append(f"{tracebacks} tracebacks in the log")
    for comparison in comparisons:
        if comparison.candles == 0:
            failures.append(f"{comparison.market}: no candles stored")
        for one in comparison.violations:
            fault = nearest(faults, one.open_time_ms)
            failures.append(
                f"{one.claim}: {one.count} of {one.market} {one.timeframe} at {one.open_time_ms}"
                + (f", nearest to {fault.kind} at {fault.begin_ms}" if fault else "")
            )
    return tuple(failures)


def nearest(faults: list[Fault], time_ms: int) -> Fault | None:
    """Return the fault whose time is nearest, the earliest of those that are as near."""
    return min(
        faults,
        key=lambda fault: max(fault.begin_ms - time_ms, time_ms - fault.end_ms, 0),
        default=None,
    )
