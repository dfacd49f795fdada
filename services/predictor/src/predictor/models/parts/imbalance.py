"""The reference model in one line: the price goes where the larger side of the book is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats
from predictor.models.parts.learner import plain_form


@dataclass(frozen=True, slots=True)
class ImbalanceSign:
    """Up with the share that came true in training where the first column is positive."""

    hit_rate: float

    def probability(self, rows: Floats) -> Floats:
        """Return the hit rate, its complement, or one half where the book is even or unknown."""
        sign = np.sign(np.nan_to_num(rows[:, 0]))
        return 0.5 + sign * (self.hit_rate - 0.5)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row."""
        sign = (row[0] > 0) - (row[0] < 0)  # NaN is neither
        return 0.5 + sign * (self.hit_rate - 0.5)


def _contributions(model: ImbalanceSign, row: Sequence[float]) -> list[float]:
    p = model.probability_of(row)
    return [log(p / (1 - p))]


FORM = plain_form("imbalance_sign", ImbalanceSign, _contributions)


def fit_imbalance_sign(
    rows: Floats, up: NDArray[np.bool_], hyperparameters: Mapping[str, float]
) -> ImbalanceSign:
    """Count how often the sign of the first column (the L1 imbalance) was right."""
    del hyperparameters
    sign = np.sign(np.nan_to_num(rows[:, 0]))
    told = sign != 0
    hits = np.count_nonzero((sign[told] > 0) == up[told])
    return ImbalanceSign(hit_rate=float((hits + 1) / (np.count_nonzero(told) + 2)))
