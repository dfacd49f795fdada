"""The reference whose log odds are those of the L1 imbalance I: a * I + b * I|I|.

There is no intercept: with the sides of the book swapped it says the opposite. Before there are
rows, a is what was measured on recordings of one spot market: 1.5 at 1 s, less by the square root
of the horizon, and by half for each 0.43 s that the prediction is late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt, tanh

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.learner import Fit, plain_form
from predictor.models.parts.ridge import ridge_logit

_AT_ONE_SECOND = 1.5
_FADES_MS = 620.0
_FEWEST = 12.0  # rows' worth of holding to the start
_SHARE = 0.01  # of the rows, where that is more


@dataclass(frozen=True, slots=True)
class CalibratedImbalance:
    """Log odds of up: `slope` times the first column I, and `curve` times I|I|; 0 if unknown."""

    slope: float
    curve: float

    def probability(self, rows: Floats) -> Floats:
        """Return the probability of each row, one half where the book is even or unknown."""
        z = _columns(rows) @ np.array([self.slope, self.curve])
        return np.asarray(0.5 + 0.5 * np.tanh(z / 2), np.float64)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row."""
        side = max(-1.0, min(1.0, row[0])) if row[0] == row[0] else 0.0
        return 0.5 + 0.5 * tanh((self.slope * side + self.curve * side * abs(side)) / 2)


def _contributions(model: CalibratedImbalance, row: Sequence[float]) -> list[float]:
    p = model.probability_of(row)
    return [log(p / (1 - p))]


FORM = plain_form("calibrated_imbalance", CalibratedImbalance, _contributions)


def calibrated_imbalance(horizon_ms: int, latency_ms: int) -> Fit:
    """Return what fits the reference to the first column of rows."""
    start = _AT_ONE_SECOND / sqrt(horizon_ms / 1_000) * exp(-latency_ms / _FADES_MS)

    def fit(rows: Floats, up: Flags, hyperparameters: object) -> CalibratedImbalance:
        del hyperparameters
        ridge = max(_FEWEST, _SHARE * len(rows))
        nothing = np.zeros(len(rows))
        weights = ridge_logit(_columns(rows), up, nothing, np.array([start, 0.0]), ridge)
        return CalibratedImbalance(*weights.tolist())

    return fit


def _columns(rows: Floats) -> Floats:
    side = np.clip(np.nan_to_num(rows[:, 0]), -1, 1)
    return np.column_stack([side, side * np.abs(side)])
