"""What can be fitted: each kind of model is one function that returns one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marketstream.tables import Floats
from predictor.models.imbalance import fit_imbalance_sign
from predictor.models.lightgbm import fit_lightgbm
from predictor.models.logistic import fit_logistic

type Flags = NDArray[np.bool_]


class Classifier(Protocol):
    """Says how likely something is, row by row."""

    def probability(self, rows: Floats) -> Floats:
        """Return a probability in (0, 1) per row; NaN in a row means not known."""
        ...

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the probability of one row: what serving asks for."""
        ...


type Fit = Callable[[Floats, NDArray[np.bool_], Mapping[str, float]], Classifier]

LEARNERS: dict[str, Fit] = {"lightgbm": fit_lightgbm, "logistic": fit_logistic}

__all__ = ["LEARNERS", "Classifier", "Fit", "Flags", "fit_imbalance_sign", "fit_logistic"]
