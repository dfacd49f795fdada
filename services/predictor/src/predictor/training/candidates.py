"""Fits what competes for one horizon: the references, and the learner on top of the best of them.

The reference to correct, its calibration and the share of the correction come from rows later than
those learnt from, and all of them from before whatever judges the model that serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

import numpy as np

from marketstream.columns import Floats
from marketstream.uncertainty import HORIZONS_PER_BLOCK, variance_of_mean
from predictor.models import (
    LEARNERS,
    Classifier,
    Fit,
    Learner,
    calibrated_imbalance,
    fit_imbalance_sign,
    fit_logistic,
)
from predictor.settings import ModelSettings
from predictor.training.calibration import Calibrated, fit_slope, log_loss, log_losses, log_odds
from predictor.training.correction import Corrected, fit_share
from predictor.training.dataset import Dataset

FIVE_FEATURES = ("imbalance", "imbalance_mean_1s", "close_against_mid", "flow_1s", "return_1s")
MOST_EARLIER = 2
"""How many learners of earlier trainings go on beside the newest."""
REFERENCES = ("imbalance_calibrated", "imbalance_sign", "logistic_five")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A direction model: the columns it reads, and how likely up is, given that the price moves."""

    name: str
    columns: tuple[str, ...]
    up: Classifier

    def p_up(self, data: Dataset) -> Floats:
        """Return the probability of up for each row."""
        return self.up.probability(data.columns(self.columns))


class Earlier(NamedTuple):
    """A learner of an earlier training that served this horizon, with that training's version."""

    version: str
    candidate: Candidate


class Rows(NamedTuple):
    """All rows, and of them the earlier to learn from and the later to judge by.

    Where there are too few to judge by, all three are the same.
    """

    every: Dataset
    earlier: Dataset
    later: Dataset

    @property
    def judging(self) -> bool:
        """Whether the later rows were not learnt from."""
        return self.later is not self.earlier


class Fitted(NamedTuple):
    """A candidate fitted on all rows, and its like, fitted on the earlier, that is judged."""

    final: Candidate
    tried: Candidate


def fit_candidates(
    rows: Rows, features: tuple[str, ...], model: ModelSettings
) -> tuple[dict[str, Fitted], dict[str, float]]:
    """Return the candidates by name, the references first, and their log losses on later rows.

    Without later rows there are no losses, nothing is calibrated, and the learner adds nothing to
    the first reference. A candidate of whose columns nothing is known is left out.
    """
    found: dict[str, Fitted] = {}
    losses: dict[str, float] = {}
    for kind in _references(rows.every):
        if rows.every.knows(kind.columns):
            found[kind.name] = kind.fitted(rows)
            losses |= _judged(found[kind.name], rows)
    if rows.every.knows(features):
        name = model.type
        if found:
            found[name] = _corrected(_best(found, rows), features, model, rows)
        else:
            kind = _Kind(name, features, LEARNERS[name], model.hyperparameters)
            found[name] = kind.fitted(rows)
        losses |= _judged(found[name], rows)
    return found, losses


class _Kind(NamedTuple):
    """One way to fit a candidate."""

    name: str
    columns: tuple[str, ...]
    fit: Fit
    hyperparameters: Mapping[str, float]
    slope: float | None = None  # where it is calibrated already

    def fitted(self, rows: Rows) -> Fitted:
        """Fit to both sets of rows, and calibrate both by the later."""
        tried = final = self._fit(rows.every)
        if not rows.judging:
            return Fitted(final, tried)
        tried = self._fit(rows.earlier)
        slope, later = self.slope, rows.later
        if slope is None:
            slope = fit_slope(tried.p_up(later)[later.moved], later.up[later.moved])
        return Fitted(*(replace(c, up=Calibrated(c.up, slope)) for c in (final, tried)))

    def _fit(self, data: Dataset) -> Candidate:
        moved = data.moved
        rows, up = data.columns(self.columns)[moved], data.up[moved]
        return Candidate(self.name, self.columns, self.fit(rows, up, self.hyperparameters))


def _references(data: Dataset) -> list[_Kind]:
    """Return the references whose columns are there."""
    calibrated = calibrated_imbalance(data.horizon_ms, data.latency_ms)
    kinds = [
        _Kind(REFERENCES[0], FIVE_FEATURES[:1], calibrated, {}, slope=1.0),
        _Kind(REFERENCES[1], FIVE_FEATURES[:1], fit_imbalance_sign, {}),
        _Kind(REFERENCES[2], FIVE_FEATURES, fit_logistic, {}),
    ]
    return [kind for kind in kinds if set(kind.columns) <= set(data.names)]


def unfitted(data: Dataset) -> Candidate | None:
    """Return the reference that needs no rows, for data that know nothing of the book.

    It sleeps until there are quotes; None where the book is no feature.
    """
    name, columns = REFERENCES[0], FIVE_FEATURES[:1]
    if not set(columns) <= set(data.names) or data.knows(columns):
        return None
    fit = calibrated_imbalance(data.horizon_ms, data.latency_ms)
    return Candidate(name, columns, fit(np.empty((0, 1)), np.empty(0, np.bool_), {}))


def _best(references: Mapping[str, Fitted], rows: Rows) -> Fitted:
    """Return the first reference that is not worse than the best by a standard error or more.

    The rule of one standard error (Breiman et al. 1984, Classification and Regression Trees, 3.4.3)
    on the same rows: the first has the fewest numbers to fit, and few rows cannot tell.
    """
    fitted = list(references.values())
    if not rows.judging:
        return fitted[0]
    later = rows.later.take(rows.later.moved)
    losses = [log_losses(each.tried.p_up(later), later.up) for each in fitted]
    best = min(losses, key=np.mean)
    blocks = later.times_ms // (HORIZONS_PER_BLOCK * later.horizon_ms)
    for each, loss in zip(fitted, losses, strict=True):
        variance = variance_of_mean(loss - best, blocks)
        if variance is None or np.mean(loss - best) <= sqrt(variance):
            return each
    return fitted[0]


def _judged(fitted: Fitted, rows: Rows) -> dict[str, float]:
    if not rows.judging:
        return {}
    moved = rows.later.moved
    loss = log_loss(fitted.tried.p_up(rows.later)[moved], rows.later.up[moved])
    return {fitted.tried.name: loss}


def _corrected(base: Fitted, features: tuple[str, ...], model: ModelSettings, rows: Rows) -> Fitted:
    """Return the learner on top of a reference, with the share that later rows speak for."""
    learner = LEARNERS[model.type]
    tried = final = _on_top(base.final, features, learner, model.hyperparameters, rows.every)
    share = 0.0
    if rows.judging:
        tried = _on_top(base.tried, features, learner, model.hyperparameters, rows.earlier)
        later = rows.later.take(rows.later.moved)
        before = log_odds(base.tried.p_up(later))
        whole = log_odds(_with_share(tried, 1.0).p_up(later))
        overlap = max(1.0, later.horizon_ms / max(1, later.step_ms))
        share = fit_share(before, whole - before, later.up, overlap=overlap)
    return Fitted(_with_share(final, share), _with_share(tried, share))


def _on_top(
    base: Candidate,
    features: tuple[str, ...],
    learner: Learner,
    hyperparameters: Mapping[str, float],
    data: Dataset,
) -> Candidate:
    moved = data.take(data.moved)
    offset = log_odds(base.p_up(moved))
    correction = learner.on_top(moved.columns(features), moved.up, hyperparameters, offset)
    columns = tuple(dict.fromkeys((*features, *base.columns)))
    up = Corrected(
        reference=base.up,
        reads=tuple(columns.index(name) for name in base.columns),
        correction=correction,
        width=len(features),
        share=0.0,
        stacked=learner.correct is None,
    )
    return Candidate(learner.name, columns, up)


def _with_share(candidate: Candidate, share: float) -> Candidate:
    assert isinstance(candidate.up, Corrected)
    return replace(candidate, up=replace(candidate.up, share=share))
