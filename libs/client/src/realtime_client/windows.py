"""How good everybody was in the last hour, day and week and in all, typed."""

from __future__ import annotations

import msgspec


class WindowScore(msgspec.Struct, frozen=True):
    """How good one was in a window; shares are 0-1, None where nothing was counted.

    The `accuracy` is over `moved` rows, with its 95 % interval `low` to `high` at `effective`
    independent ones; `close_accuracy` is by the last price. A position in each direction said
    earned `gross_bps` on average, `late_bps` where it began once the prediction was there, and
    `net_bps` is that less the spread and the fee.
    """

    candidate: str
    model: str | None
    outcomes: int
    abstained: int
    flat: int
    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None
    close_accuracy: float | None
    coverage: float | None
    log_loss: float | None
    brier: float | None
    calibration_error: float | None
    gross_bps: float | None
    late_bps: float | None
    net_bps: float | None


class HourScore(msgspec.Struct, frozen=True):
    """How often what was served was right in an hour of the day, in UTC."""

    hour: int
    moved: int
    accuracy: float | None
    low: float | None
    high: float | None


class HorizonScores(msgspec.Struct, frozen=True):
    """The scores of a horizon by window (`hour`, `day`, `week`, `all`), what was served first."""

    horizon_ms: int
    windows: dict[str, list[WindowScore]]
    hours_of_day: list[HourScore]


class RollingScores(msgspec.Struct, frozen=True):
    """What came of a market's predictions at closes in `[from_ms, until_ms)`, both None for none.

    Windows end at `until_ms`.
    """

    market: str
    timeframe: str
    from_ms: int | None
    until_ms: int | None
    fee_bps: float
    horizons: list[HorizonScores]
