"""Logistic regression without an intercept, on top of log odds that are given, held by a ridge.

Newton's steps (iteratively reweighted least squares; Hastie, Tibshirani and Friedman 2009, The
Elements of Statistical Learning, 4.4.1).
"""

from __future__ import annotations

import numpy as np

from marketstream.columns import Flags, Floats

_MOST_STEPS = 30
_SMALL = 1e-9


def ridge_logit(columns: Floats, up: Flags, offset: Floats, start: Floats, ridge: float) -> Floats:
    """Return the weights w under which log odds of `offset + columns @ w` fit best what came.

    The penalty is ridge / 2 * |w - start|^2; without rows the answer is `start`. Columns are
    finite, a row each for `up` and `offset`, and `ridge` is above 0.
    """
    weights = start.copy()
    loss = _loss(columns, up, offset, weights - start, weights, ridge)
    for _ in range(_MOST_STEPS):
        p = 0.5 + 0.5 * np.tanh((offset + columns @ weights) / 2)
        gradient = columns.T @ (up - p) - ridge * (weights - start)
        curvature = (columns.T * (p * (1 - p))) @ columns + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        while True:  # a whole step may go too far; a small enough one never does
            moved = weights + step
            after = _loss(columns, up, offset, moved - start, moved, ridge)
            if after <= loss or np.abs(step).max() < _SMALL:
                break
            step = step / 2
        weights, loss = moved, after
        if np.abs(step).max() < _SMALL:
            break
    return weights


def _loss(
    columns: Floats, up: Flags, offset: Floats, away: Floats, weights: Floats, ridge: float
) -> float:
    z = np.where(up, 1.0, -1.0) * (offset + columns @ weights)
    return float(np.logaddexp(0, -z).sum() + ridge / 2 * (away @ away))
