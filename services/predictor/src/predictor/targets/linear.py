"""Straight lines: of a logarithm, and from its expectation to that of what it is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from marketstream.columns import Floats

_RIDGE = 1e-3  # of the rows
_RIDGE_HORIZONS = 10.0  # that do not overlap, for each column
_MOST = 6.0  # deviations that a value counts for
_MOST_STEPS = 50
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """What is expected of a logarithm, held by a ridge (Hoerl and Kennard 1970).

    Columns are in units of their deviation; what is unknown is their mean.
    """

    means: Floats
    deviations: Floats
    weights: Floats
    intercept: float

    @classmethod
    def fitted(cls, columns: Floats, target: Floats, overlap: float = 1.0) -> Self:
        """Fit the least squares; a column that does not vary has no say.

        `overlap` is how many rows there are in a horizon.
        """
        known = np.isfinite(columns)
        counts = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, columns, 0.0)
        means = filled.sum(axis=0) / counts
        away = np.where(known, columns - means, 0.0)
        deviations = np.sqrt((away**2).sum(axis=0) / counts)
        # what is constant but for rounding is constant
        deviations = np.where(deviations > 1e-9 * (np.abs(means) + 1), deviations, np.inf)
        scaled = np.clip(away / deviations, -_MOST, _MOST)
        centre, mean = scaled.mean(axis=0), float(target.mean())
        scaled = scaled - centre
        width = scaled.shape[1]
        ridge = _RIDGE * len(target) + _RIDGE_HORIZONS * max(1.0, overlap) * width
        gram = scaled.T @ scaled + ridge * np.eye(width)
        weights = np.linalg.solve(gram, scaled.T @ (target - mean))
        return cls(means, deviations, weights, mean - float(centre @ weights))

    def expected(self, columns: Floats) -> Floats:
        """Return what is expected of each row."""
        away = np.where(np.isfinite(columns), columns - self.means, 0.0)
        scaled = np.clip(away / self.deviations, -_MOST, _MOST)
        return np.asarray(scaled @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a quantity by what is expected of its logarithm: exp(bias + slope * expected).

    With a slope of 1 the bias is the logarithm of the smearing factor (Duan 1983, JASA 78): the
    mean of an exponential is not the exponential of the mean. The slope is there since residuals
    are wider where little moves.
    """

    bias: float
    slope: float

    @classmethod
    def fitted(cls, expected: Floats, came: Floats) -> Self:
        """Fit the least QLIKE: a gamma regression with a log link, by Fisher's scoring.

        The slope is held to 1 by a ridge of a thousandth of the rows.
        """
        centre = float(expected.mean())
        columns = np.column_stack([np.ones(len(expected)), expected - centre])
        held = np.diag([0.0, _RIDGE * len(expected)])
        gram = columns.T @ columns + held
        weights = np.array([np.log((came / np.exp(expected)).mean()) + centre, 1.0])
        away = np.array([0.0, 1.0])  # from which the slope is held

        def loss(at: Floats) -> float:
            said = columns @ at
            return float((came * np.exp(-said) + said).sum() + held[1, 1] * (at[1] - 1) ** 2 / 2)

        for _ in range(_MOST_STEPS):
            score = columns.T @ (came * np.exp(-columns @ weights) - 1)
            step = np.linalg.solve(gram, score - held @ (weights - away))
            while loss(weights + step) > loss(weights) and np.abs(step).max() > _SMALL:
                step = step / 2
            if np.abs(step).max() <= _SMALL:
                break
            weights = weights + step
        return cls(float(weights[0] - weights[1] * centre), float(weights[1]))

    def of(self, expected: Floats) -> Floats:
        """Return the mean of each row."""
        return np.asarray(np.exp(self.bias + self.slope * expected))
