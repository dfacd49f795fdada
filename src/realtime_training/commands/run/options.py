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

    @property
    def venue(self) -> str:
        """Name where the trades come from: each made-up market, and a recording, is its own."""
        if self.exchange != "simulator":
            return self.exchange
        if self.recordings:
            return "recording"
        return "simulator" if self.seed == 1 else f"simulator-{self.seed}"
