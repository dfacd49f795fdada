"""What can be set of each learner: names, defaults, the values that make sense, and what to try."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from marketstream.errors import SettingsError


class Hyperparameter(NamedTuple):
    """A default, whole where the parameter is, and the bounds of what is accepted."""

    default: int | float
    least: float = 0.0
    most: float = inf


_TINY = 1e-9  # where a parameter has to be above zero
_ROUNDS = Hyperparameter(60, 1)
_DEPTH = Hyperparameter(4, -1)  # 0 and -1 are no limit
_RATE = Hyperparameter(0.05, _TINY, 1)
_SHARE = Hyperparameter(0.7, _TINY, 1)

KNOWN: dict[str, dict[str, Hyperparameter]] = {
    "logistic": {"C": Hyperparameter(0.1, _TINY), "max_iter": Hyperparameter(200, 1)},
    "random_forest": {
        "n_estimators": Hyperparameter(100, 1),
        "max_depth": Hyperparameter(6, -1),
        "min_samples_leaf": Hyperparameter(20, 1),
        "max_features": Hyperparameter(0.3, _TINY, 1),
        "max_samples": Hyperparameter(0.3, _TINY, 1),  # labels overlap: rows repeat each other
    },
    "gradient_boosting": {
        "n_estimators": _ROUNDS,
        "max_depth": _DEPTH,
        "learning_rate": _RATE,
        "min_samples_leaf": Hyperparameter(20, 1),
        "max_leaf_nodes": Hyperparameter(31, 2),
        "max_features": _SHARE,
        "l2_regularization": Hyperparameter(1.0),
    },
    "xgboost": {
        "n_estimators": _ROUNDS,
        "max_depth": _DEPTH,
        "learning_rate": _RATE,
        "min_child_weight": Hyperparameter(5.0),
        "subsample": _SHARE,
        "colsample_bytree": _SHARE,
        "reg_lambda": Hyperparameter(1.0),
        "reg_alpha": Hyperparameter(0.0),
        "gamma": Hyperparameter(0.0),
    },
    "lightgbm": {
        "n_estimators": _ROUNDS,
        "max_depth": _DEPTH,
        "learning_rate": _RATE,
        "num_leaves": Hyperparameter(0, 0, 131_072),  # 0 is what goes with the depth
        "min_child_samples": Hyperparameter(20),
        "feature_fraction": _SHARE,
        "bagging_fraction": _SHARE,
        "lambda_l1": Hyperparameter(0.0),
        "lambda_l2": Hyperparameter(1.0),
        "min_gain_to_split": Hyperparameter(0.0),
    },
}


def checked(learner: str, given: Mapping[str, float]) -> dict[str, int | float]:
    """Return a learner's hyperparameters, those given over the defaults; whole ones are ints.

    Raises SettingsError naming a hyperparameter that is not known, or has no sense at its value.
    """
    known = KNOWN[learner]
    for name, value in given.items():
        if name not in known:
            raise SettingsError(
                f"{name} is no hyperparameter of {learner}; known are {', '.join(known)}"
            )
        default, least, most = known[name]
        whole = isinstance(default, int)
        if not least <= value <= most or (whole and value != int(value)):
            number = "a whole number" if whole else "a number"
            above = "above 0" if least == _TINY else f"from {least:g}"
            to = "" if most == inf else f" to {most:g}"
            raise SettingsError(f"{name} = {value} of {learner}: has to be {number} {above}{to}")
    merged = {name: parameter.default for name, parameter in known.items()} | dict(given)
    return {
        name: int(value) if isinstance(known[name].default, int) else float(value)
        for name, value in merged.items()
    }


class Range(NamedTuple):
    """The values of a hyperparameter that a search tries; `log` where factors count, not steps."""

    low: int | float
    high: int | float
    log: bool = False


_ROUNDS_TRIED = Range(20, 200, log=True)
_RATES_TRIED = Range(0.01, 0.2, log=True)
_SHARES_TRIED = Range(0.4, 1.0)
_DEPTHS_TRIED = Range(2, 6)

SPACES: dict[str, dict[str, Range]] = {
    "logistic": {"C": Range(1e-4, 10.0, log=True)},
    "random_forest": {
        "n_estimators": Range(50, 200, log=True),
        "max_depth": Range(3, 10),
        "min_samples_leaf": Range(10, 300, log=True),
        "max_features": Range(0.1, 0.8),
    },
    "gradient_boosting": {
        "n_estimators": _ROUNDS_TRIED,
        "max_depth": _DEPTHS_TRIED,
        "learning_rate": _RATES_TRIED,
        "min_samples_leaf": Range(10, 300, log=True),
        "l2_regularization": Range(0.1, 100.0, log=True),
    },
    "xgboost": {
        "n_estimators": _ROUNDS_TRIED,
        "max_depth": _DEPTHS_TRIED,
        "learning_rate": _RATES_TRIED,
        "min_child_weight": Range(1.0, 100.0, log=True),
        "subsample": _SHARES_TRIED,
        "colsample_bytree": _SHARES_TRIED,
        "reg_lambda": Range(0.1, 100.0, log=True),
    },
    "lightgbm": {
        "n_estimators": _ROUNDS_TRIED,
        "max_depth": _DEPTHS_TRIED,
        "learning_rate": _RATES_TRIED,
        "min_child_samples": Range(10, 300, log=True),
        "feature_fraction": _SHARES_TRIED,
        "bagging_fraction": _SHARES_TRIED,
        "lambda_l2": Range(0.1, 100.0, log=True),
    },
}
