"""Logistic regression on standardized columns, kept as plain numbers for serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import tanh

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import TINY, Hyperparameter, Range
from predictor.models.parts.learner import Learner, plain_form
from predictor.models.parts.ridge import ridge_logit

FARTHEST = 5.0  # standard deviations; one wild value must not decide alone
_HUNDRED = 100.0
_ROUNDING = 1e-9  # of the mean: a column that deviates less is constant, not worth scaling up


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights on (row - mean) / scale; an unknown value counts as the mean."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def probability(self, rows: Floats) -> Floats:
        """Return the logistic function of the weighted row."""
        standardized = _standardized(rows, np.array(self.mean), np.array(self.scale))
        z = standardized @ np.array(self.weights) + self.intercept
        return np.asarray(0.5 + 0.5 * np.tanh(z / 2), np.float64)  # the form that cannot overflow

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row, in plain floats, which is faster than arrays."""
        z, high, low = self.intercept, FARTHEST, -FARTHEST
        for value, mean, scale, weight in zip(
            row, self.mean, self.scale, self.weights, strict=True
        ):
            far = (value - mean) / scale
            if low <= far <= high:
                z += weight * far
            elif far == far:  # no NaN
                z += weight * (high if far > 0 else low)
        return 0.5 + 0.5 * tanh(z / 2)


def _contributions(model: Logistic, row: Sequence[float]) -> list[float]:
    """Return the terms of the weighted sum."""
    mean, scale = np.array(model.mean), np.array(model.scale)
    terms = _standardized(np.array([row], np.float64), mean, scale)[0] * np.array(model.weights)
    return [float(term) for term in terms]


def _fit(rows: Floats, up: Flags, chosen: dict[str, int | float]) -> Logistic:
    """Fit on rows by maximum likelihood with an L2 penalty (`C`, its inverse).

    Mean and scale come from these rows alone. With one class only, its share is the answer.
    """
    mean, scale = _mean_and_scale(rows)
    share = (np.count_nonzero(up) + 1) / (len(up) + 2)
    weights, intercept = np.zeros(rows.shape[1]), float(np.log(share / (1 - share)))
    if up.any() and not up.all():
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=chosen["C"], max_iter=int(chosen["max_iter"]))
        fitted.fit(_standardized(rows, mean, scale), up)
        weights, intercept = fitted.coef_[0], float(fitted.intercept_[0])
    return Logistic(tuple(mean.tolist()), tuple(scale.tolist()), tuple(weights.tolist()), intercept)


def _correct(rows: Floats, up: Flags, chosen: dict[str, int | float], offset: Floats) -> Logistic:
    """Fit on top of log odds, without an intercept.

    The penalty grows with the rows (`C` is its inverse for a hundred of them): outcomes of
    neighbouring rows overlap, so that many rows say less than they seem to.
    """
    mean, scale = _mean_and_scale(rows)
    ridge = len(rows) / (_HUNDRED * chosen["C"])
    nothing = np.zeros(rows.shape[1])
    weights = ridge_logit(_standardized(rows, mean, scale), up, offset, nothing, ridge)
    return Logistic(tuple(mean.tolist()), tuple(scale.tolist()), tuple(weights.tolist()), 0.0)


def _mean_and_scale(rows: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    scale = np.sqrt((np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
    return mean, np.where(scale > _ROUNDING * np.abs(mean), scale, 1.0)


def _standardized(rows: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.clip(np.nan_to_num((rows - mean) / scale), -FARTHEST, FARTHEST)


LEARNER = Learner(
    "logistic",
    _fit,
    hyperparameters={"C": Hyperparameter(0.1, TINY), "max_iter": Hyperparameter(200, 1)},
    space={"C": Range(1e-4, 10.0, log=True)},
    form=plain_form("logistic", Logistic, _contributions),
    correct=_correct,
)
