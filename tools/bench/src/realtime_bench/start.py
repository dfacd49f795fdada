"""From the command to the first prediction that can be read, with nothing there before."""

from __future__ import annotations

import time
from pathlib import Path

from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.running import running

_FEWEST_RUNS = 3


def bench_start(effort: Effort, say: Say) -> Measured:
    """Measure a start of `realtime run` in a fresh folder, up to the first served prediction."""
    runs = 1 if effort.quick else min(effort.runs, _FEWEST_RUNS)
    seconds = []
    for number in range(1, runs + 1):
        say(f"start {number} of {runs}")
        seconds.append(_start())
    return Measured({"first_prediction_seconds": seconds}, {"options": "the defaults"})


def _start() -> float:
    started_s = time.monotonic()
    with running("realtime_training", _arguments) as system:
        system.wait_for(
            "prediction of BTC/USDT", lambda: system.get("/predictions/BTC-USDT") is not None
        )
        return time.monotonic() - started_s


def _arguments(folder: Path, port: int) -> list[str]:
    return ["run", "--port", str(port), "--state", str(folder / "state")]
