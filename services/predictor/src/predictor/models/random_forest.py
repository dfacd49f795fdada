"""Random forest (Breiman 2001) by scikit-learn, kept as plain trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketstream.columns import Flags, Floats
from predictor.models.parts.hyperparameters import LEAVES_TRIED, TINY, Hyperparameter, Range
from predictor.models.parts.learner import Learner
from predictor.models.parts.trees import (
    FORM,
    Tree,
    TreeEnsemble,
    ensemble,
    smoothed_share,
    within_32_bits,
)

_FEWEST_ROWS = 30  # a tree sees these at least, where they are there


def _fit(rows: Floats, up: Flags, chosen: dict[str, int | float]) -> TreeEnsemble:
    """Fit a forest whose probability is the mean over its trees; the same rows give the same.

    Leaves answer with Laplace's estimate, so that none is certain of what it saw a few times.
    """
    if up.all() or not up.any():
        return TreeEnsemble("mean", smoothed_share(up))
    from sklearn.ensemble import RandomForestClassifier

    depth = int(chosen["max_depth"])
    forest = RandomForestClassifier(
        n_estimators=int(chosen["n_estimators"]),
        max_depth=depth if depth > 0 else None,
        min_samples_leaf=int(chosen["min_samples_leaf"]),
        max_features=chosen["max_features"],
        max_samples=max(min(len(up), _FEWEST_ROWS), int(chosen["max_samples"] * len(up))),
        random_state=1,
        n_jobs=1,
    )
    forest.fit(within_32_bits(rows), up)
    return ensemble("mean", 0.0, [_tree(each.tree_) for each in forest.estimators_])


def _tree(fitted: Any) -> Tree:
    leaf = fitted.children_left < 0
    itself = np.arange(len(leaf))
    seen = fitted.weighted_n_node_samples
    return Tree(
        feature=np.where(leaf, 0, fitted.feature),
        threshold=fitted.threshold,
        missing_left=fitted.missing_go_to_left.astype(np.bool_),
        left=np.where(leaf, itself, fitted.children_left),
        right=np.where(leaf, itself, fitted.children_right),
        value=(fitted.value[:, 0, 1] * seen + 1) / (seen + 2),
    )


LEARNER = Learner(
    "random_forest",
    _fit,
    hyperparameters={
        "n_estimators": Hyperparameter(100, 1),
        "max_depth": Hyperparameter(6, -1),
        "min_samples_leaf": Hyperparameter(20, 1),
        "max_features": Hyperparameter(0.3, TINY, 1),
        "max_samples": Hyperparameter(0.3, TINY, 1),  # labels overlap: rows repeat each other
    },
    space={
        "n_estimators": Range(50, 200, log=True),
        "max_depth": Range(3, 10),
        "min_samples_leaf": LEAVES_TRIED,
        "max_features": Range(0.1, 0.8),
    },
    form=FORM,
)
