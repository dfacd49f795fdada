"""`realtime run` behind a line that fails, for one fault, and what it stored beside the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
_BEFORE_S = 3.0
_SETTLE_S = 12.0
_HISTORY_US = 3_600_000_000

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


def stored_after(folder: Path, act: Act, *, rate: float = 100.0) -> tuple[Comparison, float | None]:
    """Return what is stored after a fault, compared; and how long fresh predictions took."""
    tapes = [SeededMarket(symbol, 1, trades_per_second=rate) for symbol in SYMBOLS]
    with serving_in_a_thread(tapes, 1) as line:
        begin_us = line.exchange.market_time_us
        system = SystemUnderTest(folder, line, SYMBOLS)
        system.start()
        try:
            assert system.fresh_within(_FIRST_S) is not None, (folder / "log").read_text()
            time.sleep(_BEFORE_S)
            act(line, system)
            fresh_s = system.fresh_within(6 * FRESH_S)
            settled_ms = line.exchange.market_time_us // 1_000
            time.sleep(_SETTLE_S)
            assert system.close() == 0
        finally:
            system.kill()
        end_us = line.exchange.market_time_us
    store = open_store(system.database)
    try:
        truth = truth_of(tapes[0], begin_us - _HISTORY_US, end_us)
        compared = compare_store(
            store,
            f"binance:{SYMBOLS[0]}",
            TIMEFRAME,
            truth,
            from_ms=begin_us // 1_000 + 1_000,
            settled_until_ms=settled_ms,
        )
    finally:
        store.close()
    assert system.tracebacks == 0, (folder / "log.all").read_text()
    return compared, fresh_s


def assert_proven(compared: Comparison) -> None:
    """Every claim holds: nothing lost, doubled, wrong or needlessly incomplete."""
    assert compared.kept, f"\n{table([compared])}\n{compared.violations[:20]}"
