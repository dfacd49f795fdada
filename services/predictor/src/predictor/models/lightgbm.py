"""Gradient-boosted trees by LightGBM, served by its C library."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.booster import Booster
from predictor.models.parts.forest import Flat
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

_MOST_LEAVES = 31


class Trees(Booster):
    """Boosted trees; of them their text pickles, and what a forest needs of it.

    So that is found by whoever trained them, and not by who serves.
    """

    def __reduce__(self) -> tuple[type[Trees], tuple[str, Flat | None]]:
        return Trees, (self.text, self.flat)


def _fit(
    rows: Floats, up: Flags, chosen: dict[str, int | float], offset: Floats | None = None
) -> Trees:
    """Fit boosted trees, on top of log odds where they are given; the same rows give the same."""
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

    data = lightgbm.Dataset(
        rows, label=up.astype(np.float64), init_score=offset, params={"verbosity": -1}
    )
    booster = lightgbm.train(parameters, data, num_boost_round=rounds)
    return Trees(booster.model_to_string())


def _leaves(depth: int) -> int:
    """Return how many leaves go with a depth; 0 or less is no limit, and LightGBM needs two."""
    return _MOST_LEAVES if depth <= 0 else max(2, min(_MOST_LEAVES, 2**depth - 1))


def _write(model: Trees) -> dict[str, Any]:
    return {"booster": model.text}


def _read(written: dict[str, Any]) -> Trees:
    return Trees(written["booster"])


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
    form=Form("lightgbm", Trees, _write, _read, Trees.contributions),
    correct=_fit,
)
