"""The whole system at a high rate: how long until a prediction can be read, training or not."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from marketstream.symbols import url_symbol
from realtime_training.bench.figures import Effort, Measured, Say, percentile
from realtime_training.bench.load import SYMBOLS
from realtime_training.bench.running import Running, running
from realtime_training.bench.system import Wanted
from realtime_training.simulator import Announcement, MarketChoice, SimulatorProcess

_TRADES_PER_SECOND = 1_000.0  # of each market
_FIRST_TRAINING_S = 40
_NEVER_MS, _ALWAYS_MS = 86_400_000, 1_000
_WINDOW_S, _QUICK_WINDOW_S = 20.0, 5.0
_MOST_WINDOWS = 3
_ASK_EVERY_S = 0.25
_US_PER_MS = 1_000


@dataclass(slots=True)
class _Seen:
    """Latencies of what was served, each prediction once."""

    closed_us: dict[str, int] = field(default_factory=dict)
    previews_us: dict[tuple[str, int], int] = field(default_factory=dict)


def bench_live(effort: Effort, say: Say) -> Measured:
    """Measure latencies at 10,000 trades/s, from a socket to the API, without and with training."""
    simulator = SimulatorProcess(
        MarketChoice(SYMBOLS, trades_per_second=_TRADES_PER_SECOND), speed=1.0
    )
    try:
        exchange = asyncio.run(simulator.announcement())
        calm, _ = _phase(exchange, _NEVER_MS, effort, say, "")
        busy, trainings = _phase(exchange, _ALWAYS_MS, effort, say, "retraining_")
    finally:
        simulator.stop()
    conditions = {
        "markets": len(SYMBOLS),
        "window_seconds": _window_s(effort),
        "trainings_meanwhile": trainings,
        "latency": "from the receipt of what closed the candle to being readable at the API",
    }
    return Measured({**calm, **busy}, conditions)


def _phase(
    exchange: Announcement, retrain_every_ms: int, effort: Effort, say: Say, prefix: str
) -> tuple[dict[str, list[float]], int]:
    """Run the system once; return its figures, a value per window, and how often it trained."""

    def arguments(folder: Path, port: int) -> list[str]:
        wanted = Wanted(
            exchange.ws_url, exchange.rest_url, SYMBOLS, port, str(folder / "state"),
            _FIRST_TRAINING_S, retrain_every_ms,
        )  # fmt: skip
        return [msgspec.json.encode(wanted).decode()]

    names = ("rate", "p50_ms", "p99_ms", "preview_p99_ms")
    runs: dict[str, list[float]] = {prefix + name: [] for name in names}
    with running("realtime_training.bench.system", arguments) as system:
        say(f"{prefix or 'calm_'}: waiting for the first models of all markets")
        for symbol in SYMBOLS:
            _wait_for_prediction(system, symbol)
        trained = _total(system, "realtime_model_trainings_total")
        for number in range(1, _windows(effort) + 1):
            say(f"{prefix or 'calm_'}: window {number} of {_windows(effort)}")
            rate, seen = _window(system, _window_s(effort))
            runs[prefix + "rate"].append(rate)
            _add(runs, prefix + "p50_ms", list(seen.closed_us.values()), 0.5)
            _add(runs, prefix + "p99_ms", list(seen.closed_us.values()), 0.99)
            _add(runs, prefix + "preview_p99_ms", list(seen.previews_us.values()), 0.99)
        trainings = round(_total(system, "realtime_model_trainings_total") - trained)
    return runs, trainings


def _wait_for_prediction(system: Running, symbol: str) -> None:
    path = f"/predictions/{url_symbol(symbol)}"
    system.wait_for(f"prediction of {symbol}", lambda: system.get(path) is not None)


def _window(system: Running, seconds: float) -> tuple[float, _Seen]:
    """Ask for all predictions, several times a second; return trades per second and latencies."""
    _seen(system, _Seen())  # what was there before does not count
    old, seen = _seen(system, _Seen()), _Seen()
    started_s, before = time.monotonic(), _total(system, "realtime_trades_total")
    while (now_s := time.monotonic()) < started_s + seconds:
        _seen(system, seen)
        time.sleep(max(0.0, now_s + _ASK_EVERY_S - time.monotonic()))
    trades = _total(system, "realtime_trades_total") - before
    rate = trades / (time.monotonic() - started_s)
    for identity in old.closed_us.keys() & seen.closed_us.keys():
        del seen.closed_us[identity]
    return rate, seen


def _seen(system: Running, seen: _Seen) -> _Seen:
    for symbol in SYMBOLS:
        answer = system.get(f"/predictions/{url_symbol(symbol)}")
        if isinstance(answer, dict):
            for one in answer["predictions"]:
                seen.closed_us[one["id"]] = one["latency_us"]
            for one in answer.get("previews", []):
                seen.previews_us[one["id"], one["made_at_ms"]] = one["latency_us"]
    return seen


def _add(runs: dict[str, list[float]], name: str, latencies_us: list[int], share: float) -> None:
    if latencies_us:
        runs[name].append(percentile(latencies_us, share) / _US_PER_MS)


def _total(system: Running, metric: str) -> float:
    """Return a counter summed over its labels."""
    page = system.get("/metrics")
    found = re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", str(page), re.MULTILINE)
    return sum(map(float, found))


def _windows(effort: Effort) -> int:
    return 1 if effort.quick else min(effort.runs, _MOST_WINDOWS)


def _window_s(effort: Effort) -> float:
    return _QUICK_WINDOW_S if effort.quick else _WINDOW_S
