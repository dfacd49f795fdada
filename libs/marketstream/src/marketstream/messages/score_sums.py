"""Sums of what came of predictions, of which any figure over any time is made."""

from __future__ import annotations

import msgspec


class ScoreSums(msgspec.Struct, frozen=True):
    """What came of the predictions at closes in `[from_ms, to_ms)`, once all had come.

    `names` is a JSON array that names the rows, each by horizon, who said it and which model that
    was; `sums` are the rows, little-endian doubles, in the order of `score_sums.FIELDS`. The first
    writing of an identity wins.
    """

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    names: str
    sums: bytes

    @property
    def identity(self) -> tuple[str, str, int]:
        """Market, timeframe and the first close that may be counted."""
        return (self.market, self.timeframe, self.from_ms)
