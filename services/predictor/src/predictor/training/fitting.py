"""Fits the models of one market and chooses, on later rows, which of them serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries
from predictor.models import LEARNERS, Classifier, Fit, fit_imbalance_sign, fit_logistic
from predictor.policy.choice import chosen
from predictor.serving.abstention import Guard
from predictor.settings import PredictorSettings
from predictor.training.calibration import Calibrated, fit_slope, log_loss, scaled
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label
from predictor.validation.splits import latest

FIVE_FEATURES = ("imbalance", "imbalance_mean_1s", "close_against_mid", "flow_1s", "return_1s")
REFERENCES = ("imbalance_sign", "logistic_five")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A direction model: the columns it reads, and how likely up is, given that the price moves."""

    name: str
    columns: tuple[str, ...]
    up: Classifier


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """All that serving needs for one horizon; made once, never changed.

    `champion` serves; `references` answer beside it. `low` and `high` are quantiles of what the log
    return from the decision on missed its expectation by, on rows the models tried had not seen.
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


def train_horizons(
    table: FeatureTable,
    prices: PriceSeries,
    horizons_ms: Sequence[int],
    settings: PredictorSettings,
    *,
    trained_at_ms: int,
    latency_ms: int = 0,
    label: Label = "mid",
) -> dict[int, TrainedModel]:
    """Return a model for each horizon that has enough rows whose outcome is known."""
    models = {}
    for horizon_ms in horizons_ms:
        trained = train(
            table, prices, horizon_ms, settings,
            trained_at_ms=trained_at_ms, latency_ms=latency_ms, label=label,
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
) -> TrainedModel | None:
    """Return the model that serves, or None where fewer rows moved than the settings ask for."""
    data = labelled(table, prices, horizon_ms=horizon_ms, latency_ms=latency_ms, label=label)
    tried = try_candidates(data, settings)
    if tried is None:
        return None
    scores = tried.scores
    name = chosen(tuple(tried.candidates), scores, settings.model)
    champion = tried.candidates[name]
    low, high = tried.bounds(name, settings.interval_level)
    return TrainedModel(
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
        version=str(trained_at_ms),
        trained_at_ms=trained_at_ms,
        rows=len(data),
        champion=champion,
        references=tuple(c for each, c in tried.candidates.items() if each in REFERENCES),
        moves=tried.moves,
        move_columns=tried.move_columns,
        move_size=tried.move_size,
        majority=tried.majority,
        low=low,
        high=high,
        level=settings.interval_level,
        validation=scores,
        guard=tried.guard(name, data, settings),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """Candidates fitted on all rows, and what their like, fitted on the earlier, said of the later.

    `candidates` are calibrated on the later rows, and `said` is their calibrated probability of up
    for each row of `judged`; `expected` the expected return. Where there are too few rows to judge
    by, there are no `scores`, nothing is calibrated, and `judged` are the rows fitted on.
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

    def guard(self, name: str, data: Dataset, settings: PredictorSettings) -> Guard:
        """Return the guard of a candidate, by the rows that all was fitted on."""
        columns = tuple(dict.fromkeys((*self.candidates[name].columns, *self.move_columns)))
        return Guard.of(columns, data.columns(columns), self.said[name], settings.abstention)


def try_candidates(data: Dataset, settings: PredictorSettings) -> Tried | None:
    """Fit the references and the configured learner, and calibrate and judge them on later rows.

    Return None where fewer rows moved than the settings ask for, or nothing is known of them.
    """
    fewest = settings.training.fewest_moved
    if np.count_nonzero(data.moved) < fewest:
        return None
    kinds = [kind for kind in _kinds(data.names, settings) if data.knows(kind.columns)]
    if not kinds:
        return None
    final = _fit(kinds, data, settings)
    tried, judged = final, data
    split = latest(data, settings.training.validation_split, embargo=settings.training.embargo)
    enough = np.count_nonzero(data.moved & split.train) >= fewest // 2
    judging = enough and bool((data.moved & split.test).any())
    if judging:
        tried, judged = _fit(kinds, data.take(split.train), settings), data.take(split.test)
    said = {name: _p_up(each, judged) for name, each in tried.candidates.items()}
    candidates, scores, moved = final.candidates, {}, judged.moved
    if judging:
        for name, p in said.items():
            slope = fit_slope(p[moved], judged.up[moved])
            said[name] = scaled(p, slope)
            scores[name] = log_loss(said[name][moved], judged.up[moved])
            fitted = candidates[name]
            up = Calibrated(fitted.up, slope)
            candidates[name] = Candidate(name, fitted.columns, up)
    p_moved = tried.moves.probability(judged.columns(tried.move_columns))
    return Tried(
        candidates=candidates,
        moves=final.moves,
        move_columns=final.move_columns,
        move_size=final.move_size,
        majority="up" if data.up[data.moved].mean() >= 0.5 else "down",
        judged=judged,
        said=said,
        expected={name: p_moved * (2 * p - 1) * tried.move_size for name, p in said.items()},
        scores=scores,
    )


class _Kind(NamedTuple):
    """One way to fit a candidate."""

    name: str
    columns: tuple[str, ...]
    fit: Fit
    hyperparameters: Mapping[str, float]


def _kinds(names: Sequence[str], settings: PredictorSettings) -> list[_Kind]:
    """Return the kinds to try, the references first."""
    kinds = []
    if FIVE_FEATURES[0] in names:
        kinds.append(_Kind(REFERENCES[0], FIVE_FEATURES[:1], fit_imbalance_sign, {}))
    if set(FIVE_FEATURES) <= set(names):
        kinds.append(_Kind(REFERENCES[1], FIVE_FEATURES, fit_logistic, {}))
    model = settings.model
    learner = LEARNERS[model.type]
    return [*kinds, _Kind(model.type, tuple(settings.features), learner, model.hyperparameters)]


class _Fitted(NamedTuple):
    """Everything that is fitted on one set of rows."""

    candidates: dict[str, Candidate]
    moves: Classifier
    move_columns: tuple[str, ...]
    move_size: float


def _fit(kinds: Sequence[_Kind], data: Dataset, settings: PredictorSettings) -> _Fitted:
    moved = data.moved
    candidates = {}
    for kind in kinds:
        rows = data.columns(kind.columns)[moved]
        fitted = kind.fit(rows, data.up[moved], kind.hyperparameters)
        candidates[kind.name] = Candidate(kind.name, kind.columns, fitted)
    columns = tuple(settings.features)
    moves = fit_logistic(data.columns(columns), moved, {})
    return _Fitted(candidates, moves, columns, float(np.mean(np.abs(data.returns[moved]))))


def _p_up(candidate: Candidate, data: Dataset) -> Floats:
    return candidate.up.probability(data.columns(candidate.columns))
