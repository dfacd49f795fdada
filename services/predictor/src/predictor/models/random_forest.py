"""Random forest (Breiman 2001) by scikit-learn, kept as plain trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from marketstream.columns import Floats
from predictor.models.hyperparameters import checked
from predictor.models.trees import Tree, TreeEnsemble, ensemble, smoothed_share, within_32_bits

_FEWEST_ROWS = 30  # a tree sees these at least, where they are there


def fit_random_forest(
    rows: Floats, up: NDArray[np.bool_], hyperparameters: Mapping[str, float]
) -> TreeEnsemble:
    """Fit a forest whose probability is the mean over its trees; the same rows give the same.

    Leaves answer with Laplace's estimate, so that none is certain of what it saw a few times.
    """
    chosen = checked("random_forest", hyperparameters)
    if up.all() or not up.any():
        return TreeEnsemble("mean", smoothed_share(up))
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
