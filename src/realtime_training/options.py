"""What `realtime run` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `realtime run` was asked for; `speed` is that of the simulated market."""

    exchange: str
    symbols: tuple[str, ...]
    timeframe: str
    horizons: tuple[int, ...]
    recordings: tuple[Path, ...]
    seed: int
    speed: float
    retrain_every_ms: int
    latency_ms: int
    host: str
    port: int
    state: Path
