"""What the API answers of how far a price goes, typed. Moves are fractions of the price."""

from __future__ import annotations

import msgspec


class Move(msgspec.Struct, frozen=True):
    """How far the price will go within a horizon, made at a close, judged at `for_ms`.

    `move` is what is expected, `low_80` to `high_90` its bounds, None until a model has been
    fitted. `baselines` are the moves that others expect; `mean` and `quantiles`, at 5, 10, ...
    95 %, are the target's own: of volatility a variance. `event_id` is where to go on following.
    """

    id: str
    target: str
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int
    for_ms: int
    price: str
    move: float
    low_80: float | None
    high_80: float | None
    low_90: float | None
    high_90: float | None
    baselines: dict[str, float]
    mean: float
    quantiles: list[float]
    model_name: str
    model_version: str
    late: bool
    event_id: str | None = None


class MoveScore(msgspec.Struct, frozen=True):
    """How good forecasts of a horizon were: losses, coverages, and how much less than others'."""

    target: str
    horizon_ms: int
    outcomes: int
    effective: float
    qlike: float
    crps: float
    coverage_80: float
    coverage_90: float
    qlike_less: dict[str, float]


class MissingBounds(msgspec.Struct, frozen=True):
    """Why there are no bounds yet at a horizon: so much of what is needed has been seen."""

    horizon_ms: int
    detail: str
    seen_ms: int
    needed_ms: int


class MarketMoves(msgspec.Struct, frozen=True):
    """The newest forecasts of how far a market goes by horizon, and how good those have been."""

    symbol: str
    as_of_ms: int
    data_age_ms: int
    stale: bool
    stalled: bool
    target: str
    moves: list[Move]
    scores: list[MoveScore]
    bounds_missing: list[MissingBounds] = []


class JudgedMove(msgspec.Struct, frozen=True):
    """A forecast of how far and what came of it; `realised` is None until its moment."""

    id: str
    target: str
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int | None
    for_ms: int
    move: float
    low_80: float | None
    high_80: float | None
    low_90: float | None
    high_90: float | None
    model_name: str
    model_version: str
    late: bool
    realised: float | None
    qlike: float | None
    crps: float | None
    inside_80: bool | None
    inside_90: bool | None


class MoveOutcome(msgspec.Struct, frozen=True):
    """How far it went, of the forecast of this id."""

    id: str
    target: str
    close_time_ms: int
    horizon_ms: int
    realised: float
    qlike: float | None
    crps: float | None
    inside_80: bool | None
    inside_90: bool | None
    event_id: str | None = None
