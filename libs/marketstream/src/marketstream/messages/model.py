"""What begins to serve a market."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, frozen=True):
    """A trained model that serves from now on: what for, made when, of how many rows, how good.

    `metrics` are figures of its validation by name. It is the champion since `since_ms`, in the
    market's time where it was trained beside the stream, and `why` tells what made it so: all of
    these are the history of who served. The first writing of an identity wins.
    """

    market: str
    timeframe: str
    horizon_ms: int
    name: str
    version: str
    trained_at_ms: int
    rows: int
    metrics: dict[str, float | None]
    since_ms: int = 0
    why: str = ""

    @property
    def identity(self) -> tuple[str, str, int, str, str, int]:
        """Market, timeframe, horizon, name, version, and since when it serves."""
        return (
            self.market, self.timeframe, self.horizon_ms, self.name, self.version, self.since_ms,
        )  # fmt: skip
