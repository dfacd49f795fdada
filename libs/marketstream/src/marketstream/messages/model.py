"""What begins to serve a market."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, frozen=True):
    """A trained model that serves from now on: what for, made when, of how many rows, how good.

    `metrics` are figures of its validation by name. The first writing of an identity wins.
    """

    market: str
    timeframe: str
    horizon_ms: int
    name: str
    version: str
    trained_at_ms: int
    rows: int
    metrics: dict[str, float | None]

    @property
    def identity(self) -> tuple[str, str, int, str, str]:
        """Market, timeframe, horizon, name and version."""
        return (self.market, self.timeframe, self.horizon_ms, self.name, self.version)
