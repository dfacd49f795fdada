"""Fits the models of one market and chooses, on later rows, which of them serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries
from marketstream.uncertainty import HORIZONS_PER_BLOCK, variance_of_mean
from predictor.models import Classifier, fit_logistic
from predictor.policy.average import AVERAGE
from predictor.policy.choice import chosen
from predictor.policy.members import Member, panel_of
from predictor.policy.offline import ask, averaged
from predictor.serving.abstention import Guard
from predictor.settings import PredictorSettings
from predictor.training.candidates import (
    MOST_EARLIER,
    REFERENCES,
    Candidate,
    Earlier,
    Rows,
    fit_candidates,
    unfitted,
)
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label
from predictor.validation.splits import latest

_FEWEST_LOSSES = 200  # rows that moved, without which a mean loss says too little


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """All that serving needs for one horizon; made once, never changed.

    `champion` was the best on later rows, `references` and `challengers` were beside it, `earlier`
    are learners of the trainings before: what serves is made of all of them, or the champion's
    alone. `low` and `high` are quantiles of what the log
    return from the decision on missed its expectation by, on rows the models tried had not seen.
    `expected_loss` is the quadratic loss of what serves on them, with two standard errors on top,
    None where too few of them moved.
    It serves since `since_ms`, where that is not its training, for the reason `why`: these three
    are no part of what it is.
    """

    horizon_ms: int
    latency_ms: int
    version: str
    trained_at_ms: int
    rows: int
    champion: Candidate
    references: tuple[Candidate, ...]
    moves: Classifier
    move_columns: tuple[str, ...]
    move_size: float
    majority: Literal["up", "down"]
    low: float
    high: float
    level: float
    validation: dict[str, float]
    guard: Guard = field(default_factory=Guard)
    challengers: tuple[Candidate, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    expected_loss: float | None = field(default=None, compare=False)
    since_ms: int | None = field(default=None, compare=False)
    why: str = field(default="", compare=False)

    @property
    def members(self) -> tuple[Member, ...]:
        """All that take part, the references first and the oldest last."""
        now = (*self.references, *self.challengers, self.champion)
        return panel_of(self.version, now, self.earlier)


def train_horizons(
    table: FeatureTable,
    prices: PriceSeries,
    horizons_ms: Sequence[int],
    settings: PredictorSettings,
    *,
    trained_at_ms: int,
    latency_ms: int = 0,
    label: Label = "mid",
    serving: Mapping[int, TrainedModel] = MappingProxyType({}),
) -> dict[int, TrainedModel]:
    """Return a model for each horizon that has enough rows whose outcome is known.

    The learners of those that were `serving` until now take part in what follows on them.
    """
    models = {}
    for horizon_ms in horizons_ms:
        trained = train(
            table, prices, horizon_ms, settings,
            trained_at_ms=trained_at_ms, latency_ms=latency_ms, label=label,
            serving=serving.get(horizon_ms),
        )  # fmt: skip
        if trained is not None:
            models[horizon_ms] = trained
    return models


def train(
    table: FeatureTable,
    prices: PriceSeries,
    horizon_ms: int,
    settings: PredictorSettings,
    *,
    trained_at_ms: int,
    latency_ms: int = 0,
    label: Label = "mid",
    serving: TrainedModel | None = None,
) -> TrainedModel | None:
    """Return the model that serves, or None where fewer rows moved than the settings ask for.

    The learner of the one that is `serving` until now takes part in it.
    """
    data = labelled(table, prices, horizon_ms=horizon_ms, latency_ms=latency_ms, label=label)
    tried = try_candidates(data, settings)
    if tried is None:
        return None
    scores = tried.scores
    name = chosen(tuple(tried.candidates), scores, settings.model)
    champion = tried.candidates[name]
    served = AVERAGE if settings.model.serves == "average" else name
    low, high = tried.bounds(served, settings.interval_level)
    return TrainedModel(
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
        version=str(trained_at_ms),
        trained_at_ms=trained_at_ms,
        rows=len(data),
        champion=champion,
        references=_references(tried, data),
        moves=tried.moves,
        move_columns=tried.move_columns,
        move_size=tried.move_size,
        majority=tried.majority,
        low=low,
        high=high,
        level=settings.interval_level,
        validation=scores,
        guard=tried.guard(served, data, settings),
        challengers=tuple(
            c for each, c in tried.candidates.items() if each not in (name, *REFERENCES)
        ),
        earlier=_earlier(serving, data.names),
        expected_loss=tried.loss(served),
    )


def _references(tried: Tried, data: Dataset) -> tuple[Candidate, ...]:
    """Return the references: those that were fitted, and the one that has to wait for quotes."""
    fitted = tuple(c for each, c in tried.candidates.items() if each in REFERENCES)
    waiting = unfitted(data)
    return fitted if waiting is None else (waiting, *fitted)


def _earlier(serving: TrainedModel | None, names: Collection[str]) -> tuple[Earlier, ...]:
    """Return the learners that go on beside the successor of a model, the newest first.

    Those of features that are not among `names` stay behind.
    """
    if serving is None:
        return ()
    references = {each.name for each in serving.references}
    learners = [
        Earlier(serving.version, each)
        for each in {c.name: c for c in (*serving.challengers, serving.champion)}.values()
        if each.name not in references
    ]
    known = [e for e in (*learners, *serving.earlier) if set(e.candidate.columns) <= set(names)]
    return tuple(known[:MOST_EARLIER])


@dataclass(frozen=True, slots=True)
class Tried:
    """Candidates fitted on all rows, and what their like, fitted on the earlier, said of the later.

    `candidates` are calibrated on the later rows, and `said` is their calibrated probability of up
    for each row of `judged`, and that of their online average; `expected` the expected return.
    Where there are too few rows to judge by, there are no `scores`, nothing is calibrated, and
    `judged` are the rows fitted on.
    """

    candidates: dict[str, Candidate]
    moves: Classifier
    move_columns: tuple[str, ...]
    move_size: float
    majority: Literal["up", "down"]
    judged: Dataset
    said: dict[str, Floats]
    expected: dict[str, Floats]
    scores: dict[str, float]

    def bounds(self, name: str, level: float) -> tuple[float, float]:
        """Return the quantiles of what returns missed a candidate's expectation by."""
        tail = (1 - level) / 2
        low, high = np.quantile(self.judged.ways - self.expected[name], [tail, 1 - tail])
        return float(low), float(high)

    def loss(self, name: str) -> float | None:
        """Return up to which quadratic loss of up is to be expected, where the price moved.

        Two standard errors above the mean of the rows judged; None of fewer than 200 that moved.
        """
        moved, judged = self.judged.moved, self.judged
        if not self.scores or np.count_nonzero(moved) < _FEWEST_LOSSES:
            return None
        losses = (self.said[name] - judged.up)[moved] ** 2
        blocks = judged.times_ms[moved] // (HORIZONS_PER_BLOCK * judged.horizon_ms)
        variance = variance_of_mean(losses, blocks)
        return None if variance is None else float(losses.mean() + 2 * np.sqrt(variance))

    def guard(self, name: str, data: Dataset, settings: PredictorSettings) -> Guard:
        """Return the guard of a candidate or the average, by the rows that all was fitted on."""
        asked = self.candidates.values() if name == AVERAGE else (self.candidates[name],)
        read = (column for candidate in asked for column in candidate.columns)
        columns = tuple(dict.fromkeys((*read, *self.move_columns)))
        return Guard.of(columns, data.columns(columns), self.said[name], settings.abstention)


def try_candidates(data: Dataset, settings: PredictorSettings) -> Tried | None:
    """Fit the references and the learner on top of the best, and judge them on later rows.

    Return None where fewer rows moved than the settings ask for, or nothing is known of them.
    """
    training, features = settings.training, tuple(settings.features)
    moved = data.moved
    if np.count_nonzero(moved) < training.fewest_moved:
        return None
    rows = Rows(data, data, data)
    split = latest(data, training.validation_split, embargo=training.embargo)
    enough = np.count_nonzero(moved & split.train) >= training.fewest_moved // 2
    if enough and (moved & split.test).any():
        rows = Rows(data, data.take(split.train), data.take(split.test))
    fitted, scores = fit_candidates(rows, features, settings.model)
    if not fitted:
        return None
    said = {name: each.tried.p_up(rows.later) for name, each in fitted.items()}
    asked = ask(panel_of("tried", (each.tried for each in fitted.values()), ()), rows.later)
    said[AVERAGE] = averaged([asked], [next(iter(said.values()))])
    moves, size = tried_moves, tried_size = _fit_moves(data, features)
    if rows.judging:
        tried_moves, tried_size = _fit_moves(rows.earlier, features)
    p_moved = tried_moves.probability(rows.later.columns(features))
    return Tried(
        candidates={name: each.final for name, each in fitted.items()},
        moves=moves,
        move_columns=features,
        move_size=size,
        majority="up" if data.up[moved].mean() >= 0.5 else "down",
        judged=rows.later,
        said=said,
        expected={name: p_moved * (2 * p - 1) * tried_size for name, p in said.items()},
        scores=scores,
    )


def _fit_moves(data: Dataset, features: tuple[str, ...]) -> tuple[Classifier, float]:
    """Return the model of whether the price moves, and how far it does on average."""
    moved = data.moved
    moves = fit_logistic(data.columns(features), moved, {})
    return moves, float(np.mean(np.abs(data.returns[moved])))
