"""The whole system at a high rate: how long until a prediction can be read, training or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from marketstream.symbols import url_symbol
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.load import SYMBOLS
from realtime_bench.running import Running, running
from realtime_bench.system import Wanted
from realtime_bench.timing import process_cpu_s
from realtime_bench.watching import LATENCY, Seen, add, total, watch
from realtime_training.commands.simulate.work import Announcement, MarketChoice, SimulatorProcess

_TRADES_PER_SECOND = 10_000.0  # of all markets
_FIRST_TRAINING_S = 40
_NEVER_MS, _ALWAYS_MS = 86_400_000, 1_000
_WINDOW_S, _QUICK_WINDOW_S = 20.0, 5.0
_MOST_WINDOWS = 3


def bench_live(effort: Effort, say: Say) -> Measured:
    """Measure latencies at 10,000 trades/s, from a socket to the API, without and with training.

    Figures that begin with `at_50_` are of as many markets with as many trades in all: how many is
    said by `effort.markets`.
    """
    with exchange(SYMBOLS) as announced:
        calm, _ = _phase(announced, SYMBOLS, _NEVER_MS, effort, say, "")
        busy, trainings = _phase(announced, SYMBOLS, _ALWAYS_MS, effort, say, "retraining_")
    many: dict[str, list[float]] = {}
    for count in effort.markets:  # all close at once
        symbols = tuple(f"M{number}/USDT" for number in range(count))
        with exchange(symbols) as announced:
            figures, _ = _phase(announced, symbols, _NEVER_MS, effort, say, f"at_{count}_")
        many |= figures
    conditions = {
        "markets": len(SYMBOLS),
        "window_seconds": _window_s(effort),
        "trainings_meanwhile": trainings,
        "latency": LATENCY,
    }
    return Measured({**calm, **busy, **many}, conditions)


@contextmanager
def exchange(
    symbols: Sequence[str], trades_per_second: float = _TRADES_PER_SECOND
) -> Iterator[Announcement]:
    """Have a process simulate an exchange with these symbols, so many trades a second in all."""
    each = trades_per_second / len(symbols)
    simulator = SimulatorProcess(MarketChoice(tuple(symbols), trades_per_second=each), speed=1.0)
    try:
        yield asyncio.run(simulator.announcement())
    finally:
        simulator.stop()


def _phase(
    announced: Announcement,
    symbols: Sequence[str],
    retrain_every_ms: int,
    effort: Effort,
    say: Say,
    prefix: str,
) -> tuple[dict[str, list[float]], int]:
    """Run the system once; return its figures, a value per window, and how often it trained."""

    def arguments(folder: Path, port: int) -> list[str]:
        wanted = Wanted(
            announced.ws_url, announced.rest_url, tuple(symbols), port, str(folder / "state"),
            _FIRST_TRAINING_S, retrain_every_ms,
        )  # fmt: skip
        return [msgspec.json.encode(wanted).decode()]

    latencies = ("p50_ms", "p99_ms", "p999_ms", "preview_p99_ms")
    names = ("rate", *latencies, "cpu_share", "resident_mib")
    runs: dict[str, list[float]] = {prefix + name: [] for name in names}
    with running("realtime_bench.system", arguments) as system:
        say(f"{prefix or 'calm_'}: waiting for the first models of all markets")
        for symbol in symbols:
            wait_for_prediction(system, symbol)
        trained = _total(system, "realtime_model_trainings_total")
        for number in range(1, _windows(effort) + 1):
            say(f"{prefix or 'calm_'}: window {number} of {_windows(effort)}")
            started_s, cpu_s = time.monotonic(), process_cpu_s(system.pid)
            rate, seen = _window(system, symbols, _window_s(effort))
            runs[prefix + "rate"].append(rate)
            if cpu_s is not None and (used_s := process_cpu_s(system.pid)) is not None:
                share = (used_s - cpu_s) / (time.monotonic() - started_s)
                runs[prefix + "cpu_share"].append(share)
                runs[prefix + "resident_mib"].append(system.resident_mib())
            add(runs, prefix + "p50_ms", seen.closed_us.values(), 0.5)
            add(runs, prefix + "p99_ms", seen.closed_us.values(), 0.99)
            add(runs, prefix + "p999_ms", seen.closed_us.values(), 0.999)
            add(runs, prefix + "preview_p99_ms", seen.previews_us.values(), 0.99)
        trainings = round(_total(system, "realtime_model_trainings_total") - trained)
    return runs, trainings


def wait_for_prediction(system: Running, symbol: str) -> None:
    """Wait until a market has a prediction."""
    path = f"/predictions/{url_symbol(symbol)}"
    system.wait_for(f"prediction of {symbol}", lambda: system.get(path) is not None)


def _window(system: Running, symbols: Sequence[str], seconds: float) -> tuple[float, Seen]:
    """Watch the API for a while; return trades per second and latencies."""
    started_s, before = time.monotonic(), _total(system, "realtime_trades_total")
    seen = watch(system.get, symbols, seconds)
    trades = _total(system, "realtime_trades_total") - before
    return trades / (time.monotonic() - started_s), seen


def _total(system: Running, metric: str) -> float:
    return total(system.get("/metrics"), metric)


def _windows(effort: Effort) -> int:
    return 1 if effort.quick else min(effort.runs, _MOST_WINDOWS)


def _window_s(effort: Effort) -> float:
    return _QUICK_WINDOW_S if effort.quick else _WINDOW_S
