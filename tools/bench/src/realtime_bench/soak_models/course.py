"""Two systems, one after the other, on one exchange's trades: without candidates, and with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from realtime_bench.figures import percentile
from realtime_bench.live import exchange, wait_for_prediction
from realtime_bench.load import SYMBOLS
from realtime_bench.running import Running, running
from realtime_bench.soak_models.guests import NAMES
from realtime_bench.soak_models.verdict import Phase, Report, judged
from realtime_bench.system import Wanted
from realtime_bench.watching import total, watch

_FIRST_TRAINING_S = 40
_NEVER_MS = 86_400_000
_WINDOW_S = 10.0
_US_PER_MS = 1_000

type Tell = Callable[[str], None]


class SoakModels(NamedTuple):
    """How long, at how many trades a second of all markets, and how often models are trained."""

    minutes: float = 30.0
    rate: float = 10_000.0
    markets: int = 10
    retrain_every_s: int = 60


def run(soak: SoakModels, tell: Tell) -> Report:
    """Run both, without for a third of the time, and return what came of it."""
    symbols = SYMBOLS[: soak.markets]
    seconds = 60 * soak.minutes
    with exchange(symbols, soak.rate) as announced:

        def wanted(every_ms: int, guests: tuple[str, ...]) -> Callable[[Path, int], list[str]]:
            def arguments(folder: Path, port: int) -> list[str]:
                asked = Wanted(
                    announced.ws_url, announced.rest_url, symbols, port, str(folder / "state"),
                    _FIRST_TRAINING_S, every_ms, guests=guests,
                )  # fmt: skip
                return [msgspec.json.encode(asked).decode()]

            return arguments

        with running("realtime_bench.system", wanted(_NEVER_MS, ())) as system:
            without = _phase(system, symbols, seconds / 3, "without", tell)
        every_ms = 1_000 * soak.retrain_every_s
        with running("realtime_bench.system", wanted(every_ms, NAMES)) as system:
            with_candidates = _phase(system, symbols, seconds, "with", tell)
    return judged(without, with_candidates, soak.rate)


def _phase(
    system: Running, symbols: tuple[str, ...], seconds: float, name: str, tell: Tell
) -> Phase:
    tell(f"{name}: waiting for the first models of all markets")
    for symbol in symbols:
        wait_for_prediction(system, symbol)
    begun_s, trades, trained, failed = time.monotonic(), *_counted(system)
    latencies_us: list[int] = []
    memory: list[float] = []
    while (lasted_s := time.monotonic() - begun_s) < seconds:
        seen = watch(system.get, symbols, min(_WINDOW_S, seconds - lasted_s))
        latencies_us += seen.closed_us.values()
        memory.append(round(system.resident_mib(with_children=True), 1))
        tell(f"{name}: {min(1.0, (time.monotonic() - begun_s) / seconds):4.0%}, {memory[-1]} MiB")
    now_trades, now_trained, now_failed = _counted(system)
    return Phase(
        seconds=round(lasted_s, 1),
        rate=round((now_trades - trades) / lasted_s, 1),
        predictions=len(latencies_us),
        p50_ms=percentile(latencies_us, 0.5) / _US_PER_MS,
        p99_ms=percentile(latencies_us, 0.99) / _US_PER_MS,
        trainings=round(now_trained - trained),
        failed=round(now_failed - failed),
        candidates=_heard(system),
        memory_mib=tuple(memory),
    )


def _counted(system: Running) -> tuple[float, float, float]:
    """Return the trades taken in, the trainings that ended, and those of them that failed."""
    page = system.get("/metrics")
    trainings = [total(page, "realtime_model_trainings_total")]
    failed = total(page, 'realtime_model_trainings_total{[^}]*result="failed"[^}]*}')
    return total(page, "realtime_trades_total"), trainings[0], failed


def _heard(system: Running) -> int:
    """Return how many candidates are scored of the market and horizon that has the most."""
    board = system.get("/scoreboard") or {}
    return max(
        (len(one["candidates"].keys() - {"served"}) for found in board.values() for one in found),
        default=0,
    )
