"""The figures of one target at one horizon, as they go to JSON and to tables."""

from __future__ import annotations

import msgspec

from marketstream.skill import Skill
from predictor.targets.definitions import Target
from predictor.training.prices import Label


class Less(msgspec.Struct, frozen=True):
    """By which share of the other's loss the model's is less; `low` and `high` bound it at 95 %."""

    share: float
    low: float | None
    high: float | None


class Scored(msgspec.Struct, frozen=True):
    """One forecaster on the judged rows.

    `qlike` is of the target's mean, `crps` and `r2` of its logarithm; `coverage` is the share of
    targets within the bounds of 90 %, `levels` that below each of the quantiles, 5 to 95 %.
    `qlike_less` and `crps_less` say how much less the model's losses are than these; None of the
    model itself.
    """

    qlike: float
    crps: float
    r2: float | None
    coverage: float
    coverage_low: float
    coverage_high: float
    levels: tuple[float, ...]
    qlike_less: Less | None = None
    crps_less: Less | None = None


class FoldScore(msgspec.Struct, frozen=True):
    """One fold, as the model forecast it; times are those of its first and last decision."""

    begin_ms: int
    end_ms: int
    trained_rows: int
    rows: int
    qlike: float
    r2: float | None
    coverage: float


class TargetEvaluation(msgspec.Struct, frozen=True):
    """Figures of a target and horizon; `scores` by forecaster, the model's first.

    `rows` were judged and are worth `effective` that do not overlap; the counts of those left out
    and `still` are as in `Rows`, `floor` is what counts where nothing moved, of volatility as a
    variance; `median_bps` is what came, in basis points of the price, and of volatility the root.
    `returns` of the base timeframe make a horizon. `reason` says why there are no scores.
    """

    target: Target
    label: Label
    horizon_ms: int
    latency_ms: int
    returns: int
    rows: int
    effective: float
    incomplete: int
    unfinished: int
    early: int
    still: float
    floor: float | None
    seconds: float
    verdict: Skill
    reason: str | None = None
    median_bps: float | None = None
    model: str = "ridge"
    inputs: tuple[str, ...] = ()
    scores: dict[str, Scored] = {}
    folds: tuple[FoldScore, ...] = ()
