"""Gradient-boosted trees by XGBoost, served through the native booster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import (
    DEPTH,
    DEPTHS_TRIED,
    PENALTIES_TRIED,
    RATE,
    RATES_TRIED,
    ROUNDS,
    ROUNDS_TRIED,
    SHARE,
    SHARES_TRIED,
    Hyperparameter,
    Range,
)
from predictor.models.parts.learner import Form, Learner
from predictor.models.parts.trees import smoothed_share, within_32_bits

if TYPE_CHECKING:
    import xgboost


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

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return what each column adds to the log odds of a row: its SHAP value, in 32 bits."""
        import xgboost

        rows = xgboost.DMatrix(within_32_bits(np.array([row])), nthread=1)
        found: list[float] = self.booster.predict(rows, pred_contribs=True)[0, :-1].tolist()
        return found


def _fit(
    rows: Floats, up: Flags, chosen: dict[str, int | float], offset: Floats | None = None
) -> XgboostTrees:
    """Fit boosted trees, on top of log odds where they are given; the same rows give the same."""
    rounds, depth = int(chosen.pop("n_estimators")), max(0, int(chosen.pop("max_depth")))
    parameters = {
        "objective": "binary:logistic",
        "base_score": smoothed_share(up) if offset is None else 0.5,
        "tree_method": "hist",
        "max_depth": depth,
        "nthread": 1,
        "seed": 1,
        "verbosity": 0,
        **chosen,
    }
    import xgboost

    data = xgboost.DMatrix(
        within_32_bits(rows), label=up.astype(np.float64), base_margin=offset, nthread=1
    )
    return XgboostTrees(xgboost.train(parameters, data, num_boost_round=rounds))


def _write(model: XgboostTrees) -> dict[str, Any]:
    return {"booster": model.booster.save_raw("json").decode()}


def _read(written: dict[str, Any]) -> XgboostTrees:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(written["booster"].encode()))
    return XgboostTrees(booster)


LEARNER = Learner(
    "xgboost",
    _fit,
    hyperparameters={
        "n_estimators": ROUNDS,
        "max_depth": DEPTH,
        "learning_rate": RATE,
        "min_child_weight": Hyperparameter(5.0),
        "subsample": SHARE,
        "colsample_bytree": SHARE,
        "reg_lambda": Hyperparameter(1.0),
        "reg_alpha": Hyperparameter(0.0),
        "gamma": Hyperparameter(0.0),
    },
    space={
        "n_estimators": ROUNDS_TRIED,
        "max_depth": DEPTHS_TRIED,
        "learning_rate": RATES_TRIED,
        "min_child_weight": Range(1.0, 100.0, log=True),
        "subsample": SHARES_TRIED,
        "colsample_bytree": SHARES_TRIED,
        "reg_lambda": PENALTIES_TRIED,
    },
    form=Form("xgboost", XgboostTrees, _write, _read, XgboostTrees.contributions),
    correct=_fit,
)
