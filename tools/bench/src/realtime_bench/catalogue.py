"""Which benchmarks there are, and their results as a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from realtime_bench import api, broker
from realtime_bench.api import bench_api
from realtime_bench.candles import bench_candles
from realtime_bench.figures import Effort, Measured, Say, summary
from realtime_bench.indicators import bench_indicators
from realtime_bench.infer import bench_infer
from realtime_bench.ingest import bench_ingest
from realtime_bench.kafka import bench_kafka
from realtime_bench.live import bench_live
from realtime_bench.replay import bench_replay
from realtime_bench.start import bench_start
from realtime_bench.symbols import bench_symbols
from realtime_bench.symbols_kafka import bench_symbols_kafka
from realtime_bench.train import bench_train

BENCHMARKS: Mapping[str, Callable[[Effort, Say], Measured]] = {
    "replay": bench_replay,
    "ingest": bench_ingest,
    "candles": bench_candles,
    "live": bench_live,
    "start": bench_start,
    "train": bench_train,
    "infer": bench_infer,
    "indicators": bench_indicators,
    "symbols": bench_symbols,
    "symbols-kafka": bench_symbols_kafka,
    "api": bench_api,
    "kafka": bench_kafka,
}
_MISSING = {"symbols-kafka": broker.missing, "api": api.missing, "kafka": broker.missing}


def run_all(names: Sequence[str], effort: Effort) -> dict[str, Any]:
    """Run benchmarks one after the other, with progress on stderr; return the summary.

    Without names that is all of them, but for those that lack what they need.
    """
    chosen = [name for name in BENCHMARKS if name in names] if names else list(BENCHMARKS)
    for name, missing in () if names else _MISSING.items():
        if (reason := missing()) is not None:
            chosen.remove(name)
            _teller(name)(f"left out: {reason}")
    measured = {name: BENCHMARKS[name](effort, _teller(name)) for name in chosen}
    command = ["realtime", "bench", *chosen, "--runs", str(effort.runs)]
    if effort.markets != Effort().markets:
        command += [word for count in effort.markets for word in ("--markets", str(count))]
    return summary(measured, " ".join([*command, "--quick"] if effort.quick else command))


def _teller(name: str) -> Say:
    console = Console(stderr=True)
    return lambda text: console.print(f"{name}: {text}", highlight=False)


def print_table(result: Mapping[str, Any]) -> None:
    """Print each figure with its spread, and what it was measured on."""
    meta = result["meta"]
    table = Table("benchmark", "figure", "median", "min", "max", "runs")
    for name, figures in meta["spread"].items():
        for figure, spread in figures.items():
            table.add_row(
                name, figure,
                *(_number(spread[key]) for key in ("median", "min", "max")), str(spread["runs"]),
            )  # fmt: skip
    console = Console(file=sys.stdout)
    console.print(table)
    machine = meta["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, "
        f"{machine['system']}; load {machine['load_1m']:g} at the end",
        soft_wrap=True,
    )
    console.print(", ".join(f"{name} {v}" for name, v in meta["versions"].items()), soft_wrap=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:g}"
