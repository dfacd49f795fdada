"""What came of a forecast of how far the price will go."""

from __future__ import annotations

import msgspec

from marketstream.messages.move_forecast import MoveTarget


class MoveOutcome(msgspec.Struct, frozen=True, gc=False):
    """How far the price went, fixed once, and how far off the forecast was.

    `realised` is the target as it came; for the losses it counts as its floor where it is below
    that (`still`). `qlike` is the loss of the forecast mean, `baselines` those of the baselines,
    None where nothing moved and there was no floor. `crps` is that of the logarithm, `inside_80`
    and `inside_90` say whether it was within the bounds; None where there were no quantiles. Of a
    horizon in which a candle is missing or not complete there is no outcome.
    """

    market: str
    timeframe: str
    close_time_ms: int
    horizon_ms: int
    target: MoveTarget
    model_name: str
    model_version: str
    realised: float
    still: bool
    qlike: float | None
    baselines: dict[str, float | None]
    crps: float | None
    inside_80: bool | None
    inside_90: bool | None
    late: bool = False

    @property
    def identity(self) -> tuple[str, str, int, int, str]:
        """The identity of the forecast it belongs to."""
        return (self.market, self.timeframe, self.close_time_ms, self.horizon_ms, self.target)

    @property
    def id(self) -> str:
        """The identity as one string: that of the forecast."""
        return ":".join(str(part) for part in self.identity)
