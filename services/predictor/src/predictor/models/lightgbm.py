"""Gradient-boosted trees by LightGBM, served through the native booster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import (
    DEPTH,
    DEPTHS_TRIED,
    LEAVES_TRIED,
    PENALTIES_TRIED,
    RATE,
    RATES_TRIED,
    ROUNDS,
    ROUNDS_TRIED,
    SHARE,
    SHARES_TRIED,
    Hyperparameter,
)
from predictor.models.parts.learner import Form, Learner

if TYPE_CHECKING:
    import lightgbm

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
        from predictor.models.parts.one_row import row_predictor

        self.booster = booster
        self._of_row = row_predictor(booster)

    def probability(self, rows: Floats) -> Floats:
        """Return the booster's probability of its class."""
        return np.asarray(self.booster.predict(rows, num_threads=1), np.float64)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row; the first call prepares those that follow."""
        if self._of_row is None:
            from predictor.models.parts.one_row import row_predictor

            self._of_row = row_predictor(self.booster)
        return self._of_row(row)


def _fit(rows: Floats, up: Flags, chosen: dict[str, int | float]) -> Trees:
    """Fit boosted trees; the same rows give the same trees."""
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
    import lightgbm

    data = lightgbm.Dataset(rows, label=up.astype(np.float64), params={"verbosity": -1})
    return Trees(lightgbm.train(parameters, data, num_boost_round=rounds))


def _leaves(depth: int) -> int:
    """Return how many leaves go with a depth; 0 or less is no limit, and LightGBM needs two."""
    return _MOST_LEAVES if depth <= 0 else max(2, min(_MOST_LEAVES, 2**depth - 1))


def _write(model: Trees) -> dict[str, Any]:
    return {"booster": model.booster.model_to_string()}


def _read(written: dict[str, Any]) -> Trees:
    import lightgbm

    try:
        return Trees(lightgbm.Booster(model_str=written["booster"]))
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(str(error)) from error


LEARNER = Learner(
    "lightgbm",
    _fit,
    hyperparameters={
        "n_estimators": ROUNDS,
        "max_depth": DEPTH,
        "learning_rate": RATE,
        "num_leaves": Hyperparameter(0, 0, 131_072),  # 0 is what goes with the depth
        "min_child_samples": Hyperparameter(20),
        "feature_fraction": SHARE,
        "bagging_fraction": SHARE,
        "lambda_l1": Hyperparameter(0.0),
        "lambda_l2": Hyperparameter(1.0),
        "min_gain_to_split": Hyperparameter(0.0),
    },
    space={
        "n_estimators": ROUNDS_TRIED,
        "max_depth": DEPTHS_TRIED,
        "learning_rate": RATES_TRIED,
        "min_child_samples": LEAVES_TRIED,
        "feature_fraction": SHARES_TRIED,
        "bagging_fraction": SHARES_TRIED,
        "lambda_l2": PENALTIES_TRIED,
    },
    form=Form("lightgbm", Trees, _write, _read),
)
