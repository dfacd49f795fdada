"""Gradient-boosted trees by LightGBM, served through the native booster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import lightgbm
import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats
from predictor.models.hyperparameters import checked
from predictor.models.one_row import row_predictor

_MOST_LEAVES = 31


class Trees:
    """A native booster; pickles as its text."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self.booster = booster
        self._of_row: Callable[[Sequence[float]], float] | None = None

    def __getstate__(self) -> lightgbm.Booster:
        return self.booster

    def __setstate__(self, booster: lightgbm.Booster) -> None:
        # Who gets a model from elsewhere is about to serve it: nothing is left for the first row.
        self.booster = booster
        self._of_row = row_predictor(booster)

    def probability(self, rows: Floats) -> Floats:
        """Return the booster's probability of its class."""
        return np.asarray(self.booster.predict(rows, num_threads=1), np.float64)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row; the first call prepares those that follow."""
        if self._of_row is None:
            self._of_row = row_predictor(self.booster)
        return self._of_row(row)


def fit_lightgbm(
    rows: Floats, up: NDArray[np.bool_], hyperparameters: Mapping[str, float]
) -> Trees:
    """Fit boosted trees; the same rows give the same trees."""
    chosen = checked("lightgbm", hyperparameters)
    depth, rounds = int(chosen["max_depth"]), int(chosen.pop("n_estimators"))
    leaves = int(chosen.pop("num_leaves"))
    parameters = {
        "objective": "binary",
        "num_leaves": max(2, leaves) if leaves else _leaves(depth),
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": 1,
        "verbosity": -1,
        **chosen,
    }
    data = lightgbm.Dataset(rows, label=up.astype(np.float64), params={"verbosity": -1})
    return Trees(lightgbm.train(parameters, data, num_boost_round=rounds))


def _leaves(depth: int) -> int:
    """Return how many leaves go with a depth; 0 or less is no limit, and LightGBM needs two."""
    return _MOST_LEAVES if depth <= 0 else max(2, min(_MOST_LEAVES, 2**depth - 1))
