"""Gradient-boosted trees by XGBoost, served through the native booster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xgboost
from numpy.typing import NDArray

from marketstream.columns import Floats
from predictor.models.hyperparameters import checked
from predictor.models.trees import smoothed_share, within_32_bits


class XgboostTrees:
    """A native booster on one thread."""

    def __init__(self, booster: xgboost.Booster) -> None:
        booster.set_param({"nthread": 1})
        self.booster = booster

    def probability(self, rows: Floats) -> Floats:
        """Return the booster's probability of its class."""
        return np.asarray(self.booster.inplace_predict(within_32_bits(rows)), np.float64)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row."""
        return float(self.probability(np.array([row]))[0])

    def to_text(self) -> str:
        """Return the booster as XGBoost's own JSON."""
        return self.booster.save_raw("json").decode()

    @classmethod
    def of_text(cls, text: str) -> XgboostTrees:
        """Return the booster of XGBoost's own JSON."""
        booster = xgboost.Booster()
        booster.load_model(bytearray(text.encode()))
        return cls(booster)


def fit_xgboost(
    rows: Floats, up: NDArray[np.bool_], hyperparameters: Mapping[str, float]
) -> XgboostTrees:
    """Fit boosted trees; the same rows give the same trees."""
    chosen = checked("xgboost", hyperparameters)
    rounds, depth = int(chosen.pop("n_estimators")), max(0, int(chosen.pop("max_depth")))
    parameters = {
        "objective": "binary:logistic",
        "base_score": smoothed_share(up),
        "tree_method": "hist",
        "max_depth": depth,
        "nthread": 1,
        "seed": 1,
        "verbosity": 0,
        **chosen,
    }
    data = xgboost.DMatrix(within_32_bits(rows), label=up.astype(np.float64), nthread=1)
    return XgboostTrees(xgboost.train(parameters, data, num_boost_round=rounds))
