"""Logistic regression on standardized columns, kept as plain numbers for serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from marketstream.tables import Floats

_FARTHEST = 5.0  # standard deviations; one wild value must not decide alone


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights on (row - mean) / scale; an unknown value counts as the mean."""

    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float

    def probability(self, rows: Floats) -> Floats:
        """Return the logistic function of the weighted row."""
        z = np.nan_to_num((rows - self.mean) / self.scale)
        z = np.clip(z, -_FARTHEST, _FARTHEST) @ self.weights + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-z)), np.float64)


def fit_logistic(
    rows: Floats, up: NDArray[np.bool_], hyperparameters: Mapping[str, float]
) -> Logistic:
    """Fit on rows by maximum likelihood with an L2 penalty (`C`, default 0.1).

    Mean and scale come from these rows alone. With one class only, its share is the answer.
    """
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    scale = np.sqrt((np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
    scale = np.where(scale > 0, scale, 1.0)
    share = (np.count_nonzero(up) + 1) / (len(up) + 2)
    constant = Logistic(mean, scale, np.zeros(rows.shape[1]), float(np.log(share / (1 - share))))
    if up.all() or not up.any():
        return constant
    standardized = np.clip(np.nan_to_num((rows - mean) / scale), -_FARTHEST, _FARTHEST)
    fitted = LogisticRegression(C=hyperparameters.get("C", 0.1), max_iter=200)
    fitted.fit(standardized, up)
    return Logistic(mean, scale, np.asarray(fitted.coef_[0]), float(fitted.intercept_[0]))
