"""What can be fitted: each kind of model is one function that returns a classifier.

A new learner is such a function in `LEARNERS` and its hyperparameters in `hyperparameters.KNOWN`;
one that returns a class of its own needs its form in `native` too. The tests find it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from marketstream.columns import Floats
from predictor.models.gradient_boosting import fit_gradient_boosting
from predictor.models.imbalance import fit_imbalance_sign
from predictor.models.lightgbm import fit_lightgbm
from predictor.models.logistic import fit_logistic
from predictor.models.random_forest import fit_random_forest
from predictor.models.xgboost import fit_xgboost
from predictor.training.dataset import Flags


class Classifier(Protocol):
    """Says how likely something is, row by row."""

    def probability(self, rows: Floats) -> Floats:
        """Return a probability in (0, 1) per row; NaN in a row means not known."""
        ...

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the probability of one row: what serving asks for."""
        ...


type Fit = Callable[[Floats, Flags, Mapping[str, float]], Classifier]

LEARNERS: dict[str, Fit] = {
    "logistic": fit_logistic,
    "random_forest": fit_random_forest,
    "gradient_boosting": fit_gradient_boosting,
    "xgboost": fit_xgboost,
    "lightgbm": fit_lightgbm,
}

__all__ = ["LEARNERS", "Classifier", "Fit", "Flags", "fit_imbalance_sign", "fit_logistic"]
