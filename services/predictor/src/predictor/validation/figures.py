"""The figures of one model at one horizon, as they go to JSON, to tables and to a registry."""

from __future__ import annotations

import msgspec

from marketstream.skill import Skill
from predictor.training.prices import Label


class Share(msgspec.Struct, frozen=True):
    """An accuracy over moved rows: `low` and `high` bound it at 95 % and `effective` rows."""

    moved: int
    effective: float
    accuracy: float | None
    low: float | None
    high: float | None


class Top(msgspec.Struct, frozen=True):
    """The rows a model was surest of: the share aimed at, the share that it was, and how good."""

    share: float
    coverage: float
    score: Share


class Rival(msgspec.Struct, frozen=True):
    """Another answer on the same moved rows; where it said nothing, it counts as half right.

    `ahead` is how much the model is better, with its 95 % bounds where there is enough to say.
    """

    accuracy: float
    ahead: float
    ahead_low: float | None
    ahead_high: float | None
    log_loss: float | None = None


class FoldScore(msgspec.Struct, frozen=True):
    """One fold; times are those of its first and last decision."""

    begin_ms: int
    end_ms: int
    trained_rows: int
    rows: int
    moved: int
    accuracy: float | None
    log_loss: float | None


class Evaluation(msgspec.Struct, frozen=True):
    """Figures of one model and horizon; accuracies and probabilities are fractions 0-1.

    `score` is over moved rows where the model did not abstain, which it did in the share
    `abstained`; `accuracy_all` counts zero moves as wrong, `accuracy_half` as half right.
    `log_loss` and `calibration_error` are of up against down over moved rows, `log_loss_classes`
    and `brier` of the three classes over all. `gross_bps` is what a position in the direction
    said earns per row answered, `net_bps` that less spread (where there is a book) and cost.
    `coverage` is the share of prices within the bounds given at `level`. `trials` is how many
    models were tried before this one was chosen: the more, the better the best looks by luck.
    `average` is the online average of all candidates, which serves unless settings say otherwise.
    """

    model: str
    label: Label
    horizon_ms: int
    latency_ms: int
    trials: int
    rows: int
    incomplete: int
    unlabelled: int
    seconds: float
    verdict: Skill
    flat_share: float | None = None
    abstained: float | None = None
    score: Share | None = None
    accuracy_all: float | None = None
    accuracy_half: float | None = None
    top: tuple[Top, ...] = ()
    baselines: dict[str, Rival] = {}
    references: dict[str, Rival] = {}
    average: Rival | None = None
    log_loss: float | None = None
    log_loss_classes: float | None = None
    brier: float | None = None
    calibration_error: float | None = None
    gross_bps: float | None = None
    spread_bps: float | None = None
    cost_bps: float = 0.0
    net_bps: float | None = None
    level: float | None = None
    coverage: float | None = None
    folds: tuple[FoldScore, ...] = ()
