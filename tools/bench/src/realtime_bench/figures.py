"""What a benchmark measured, and on what: figures with their spread, machine and versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

_PACKAGES = (
    "realtime-training",
    "msgspec",
    "numpy",
    "ta-lib",
    "lightgbm",
    "picows",
    "uvicorn",
    "quixstreams",
)

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: `runs` of each, and little work where it is only to be seen to run.

    `markets` says with how many it is measured what grows with them.
    """

    runs: int = 5
    quick: bool = False
    markets: tuple[int, ...] = (50,)


@dataclass(frozen=True, slots=True)
class Measured:
    """The values of each figure, one per run, and the conditions they were measured under.

    `peers` holds those of other libraries that do the same work; none of one not installed.
    """

    runs: dict[str, list[float]]
    conditions: dict[str, Any] = field(default_factory=dict)
    peers: dict[str, list[float]] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return the median of each figure, those of peers under `peers`, None of an absent one."""
        figures: dict[str, Any] = {
            name: _rounded(median(values)) for name, values in self.runs.items() if values
        }
        if self.peers:
            figures["peers"] = {
                name: _rounded(median(values)) if values else None
                for name, values in self.peers.items()
            }
        return figures

    def spread(self) -> dict[str, dict[str, float]]:
        """Return how far the runs of each figure lie apart, peers' as `peers.NAME`."""
        peers = {f"peers.{name}": values for name, values in self.peers.items()}
        return {
            name: {
                "median": _rounded(median(values)),
                "min": _rounded(min(values)),
                "max": _rounded(max(values)),
                "runs": len(values),
            }
            for name, values in {**self.runs, **peers}.items()
            if values
        }


def summary(measured: Mapping[str, Measured], command: str) -> dict[str, Any]:
    """Return bench -> figure -> number, with all else under `meta`."""
    meta = {
        "command": command,
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in _PACKAGES}},
        "spread": {name: one.spread() for name, one in measured.items()},
        "conditions": {name: one.conditions for name, one in measured.items()},
    }
    return {**{name: one.figures() for name, one in measured.items()}, "meta": meta}


def machine() -> dict[str, Any]:
    """Return what this machine is, and how busy it was in the last minute."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_1m": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1)]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _rounded(value: float) -> float:
    """Keep four digits: more say nothing."""
    return float(f"{value:.4g}")
