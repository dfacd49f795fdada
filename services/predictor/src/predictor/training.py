"""Fits the models of one market and chooses, on later rows, which of them serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from marketstream.tables import FeatureTable, Floats
from predictor.models import LEARNERS, Classifier, Fit, Flags, fit_imbalance_sign, fit_logistic
from predictor.prices import Label, PriceSeries, label_returns
from predictor.settings import PredictorSettings

FIVE_FEATURES = ("imbalance", "imbalance_mean_1s", "close_against_mid", "flow_1s", "return_1s")
_KNOWN_SHARE = 0.5
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
    """Fit all candidates on the earlier rows, choose by log loss on the later ones, refit on all.

    Rows are decisions whose outcome is known and whose candle is complete. Between the two parts
    lie the rows whose outcome falls into the later one: they are left out (purged). A candidate of
    whose columns little is known, such as the book in history, is left out too. Returns None where
    fewer than `fewest_moved` rows moved, or no candidate is left.
    """
    series = prices.of(label)
    returns = label_returns(
        table.close_time_ms, series, prices, horizon_ms=horizon_ms, latency_ms=latency_ms
    )
    # From the decision itself, latency included: what the bounds of the price have to hold.
    ways = label_returns(table.close_time_ms, series, prices, horizon_ms=horizon_ms + latency_ms)
    data = _Rows(table, returns, ways, np.isfinite(returns + ways) & table.complete)
    fewest = settings.training.fewest_moved
    if np.count_nonzero(data.moved) < fewest:
        return None

    times = data.times_ms
    split_ms = times[0] + (times[-1] - times[0]) * (1 - settings.training.validation_split)
    earlier = times + latency_ms + horizon_ms <= split_ms
    later = times >= split_ms
    whole = np.ones(len(times), np.bool_)
    kinds = [kind for kind in _kinds(table, settings) if data.knows(kind.columns)]
    if not kinds:
        return None
    final = _fit(kinds, data, whole, settings)
    tried, judged, scores = final, whole, {}
    if np.count_nonzero(data.moved & earlier) >= fewest // 2 and (data.moved & later).any():
        tried, judged = _fit(kinds, data, earlier, settings), later
        scores = {name: _log_loss(c, data, later) for name, c in tried.candidates.items()}
    chosen = min(scores, key=lambda name: scores[name]) if scores else kinds[0].name

    tail = (1 - settings.interval_level) / 2
    low, high = np.quantile(_missed(tried, chosen, data, judged), [tail, 1 - tail])
    return TrainedModel(
        horizon_ms=horizon_ms,
        latency_ms=latency_ms,
        version=str(trained_at_ms),
        trained_at_ms=trained_at_ms,
        rows=len(times),
        champion=final.candidates[chosen],
        references=tuple(c for name, c in final.candidates.items() if name in REFERENCES),
        moves=final.moves,
        move_columns=final.move_columns,
        move_size=final.move_size,
        majority="up" if data.up.mean() >= 0.5 else "down",
        low=float(low),
        high=float(high),
        level=settings.interval_level,
        validation=scores,
    )


class _Kind(NamedTuple):
    """One way to fit a candidate."""

    name: str
    columns: tuple[str, ...]
    fit: Fit
    hyperparameters: Mapping[str, float]


class _Rows:
    """The usable rows of a table with their labels."""

    def __init__(self, table: FeatureTable, returns: Floats, ways: Floats, used: Flags) -> None:
        self._table = table
        self._used = used
        self.times_ms = table.close_time_ms[used]
        self.returns = returns[used]
        self.ways = ways[used]
        self.moved: Flags = self.returns != 0
        self.up: Flags = self.returns[self.moved] > 0

    def knows(self, names: Sequence[str]) -> bool:
        """Say whether at least one of the columns is known in half of the rows."""
        known = np.isfinite(self.columns(names)).mean(axis=0)
        return bool((known >= _KNOWN_SHARE).any())

    def columns(self, names: Sequence[str]) -> Floats:
        return self._table.columns(names)[self._used]


def _kinds(table: FeatureTable, settings: PredictorSettings) -> list[_Kind]:
    """Return the kinds to try, the references first."""
    kinds = []
    if FIVE_FEATURES[0] in table.names:
        kinds.append(_Kind(REFERENCES[0], FIVE_FEATURES[:1], fit_imbalance_sign, {}))
    if set(FIVE_FEATURES) <= set(table.names):
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


def _fit(
    kinds: Sequence[_Kind], data: _Rows, chosen: Flags, settings: PredictorSettings
) -> _Fitted:
    moved = data.moved & chosen
    up = data.up[chosen[data.moved]]
    candidates = {}
    for kind in kinds:
        fitted = kind.fit(data.columns(kind.columns)[moved], up, kind.hyperparameters)
        candidates[kind.name] = Candidate(kind.name, kind.columns, fitted)
    columns = tuple(settings.features)
    moves = fit_logistic(data.columns(columns)[chosen], data.moved[chosen], {})
    return _Fitted(candidates, moves, columns, float(np.mean(np.abs(data.returns[moved]))))


def _log_loss(candidate: Candidate, data: _Rows, chosen: Flags) -> float:
    p = candidate.up.probability(data.columns(candidate.columns)[data.moved & chosen])
    p = np.clip(p, 1e-6, 1 - 1e-6)
    up = data.up[chosen[data.moved]]
    return float(-np.mean(np.where(up, np.log(p), np.log(1 - p))))


def _missed(fitted: _Fitted, name: str, data: _Rows, chosen: Flags) -> Floats:
    """Return what rows' returns missed the expectation of a candidate by."""
    candidate = fitted.candidates[name]
    p_up = candidate.up.probability(data.columns(candidate.columns)[chosen])
    p_moved = fitted.moves.probability(data.columns(fitted.move_columns)[chosen])
    return data.ways[chosen] - p_moved * (2 * p_up - 1) * fitted.move_size
