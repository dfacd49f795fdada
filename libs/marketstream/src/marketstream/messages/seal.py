"""Links of the chains that show whether what is stored was changed afterwards."""

from __future__ import annotations

import msgspec


class Seal(msgspec.Struct, frozen=True):
    """What the predictions at closes in `[from_ms, to_ms)` were when these were over.

    `digest` is that of all of them in order of their identity, `predictions` how many they were.
    `hash` covers all of this and `previous`, the hash of the seal before, empty for the first. The
    first writing of an identity wins.
    """

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    predictions: int
    digest: str
    previous: str
    hash: str

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and the first close that may be sealed."""
        return (self.market, self.timeframe, self.from_ms)

    @property
    def rows(self) -> int:
        """How many rows were sealed."""
        return self.predictions


class OutcomeSeal(msgspec.Struct, frozen=True):
    """What the outcomes of predictions at closes in `[from_ms, to_ms)` were once all had come.

    They have a chain of their own, of the same form as that of the predictions.
    """

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    outcomes: int
    digest: str
    previous: str
    hash: str

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and the first close that may be sealed."""
        return (self.market, self.timeframe, self.from_ms)

    @property
    def rows(self) -> int:
        """How many rows were sealed."""
        return self.outcomes
