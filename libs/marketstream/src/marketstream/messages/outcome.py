"""What came of a prediction."""

from __future__ import annotations

import msgspec

from marketstream.messages.words import Role, Verdict


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What came of a prediction, fixed once.

    `realised_return` is the log return of the mid from the moment the prediction took effect to its
    horizon, `close_return` that of the last trade's price, for comparison only. `baselines` holds
    right, wrong or flat for every answer given on the same row. One of a prediction that was `late`
    is never scored.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    role: Role
    model_version: str
    realised_mid: float
    realised_return: float
    close_return: float
    verdict: Verdict
    close_verdict: Verdict
    inside: bool
    baselines: dict[str, Verdict]
    late: bool = False

    @property
    def identity(self) -> tuple[str, str, int, int, str, str]:
        """The identity of the prediction it belongs to."""
        return (
            self.market,
            self.timeframe,
            self.close_time_ms,
            self.horizon_ms,
            self.role,
            self.model_version,
        )

    @property
    def id(self) -> str:
        """The identity as one string: that of the prediction."""
        return ":".join(str(part) for part in self.identity)
