"""Gradient boosting by scikit-learn, in histograms, kept as plain trees.

Of its two implementations the histograms' one: it takes unknown values as they are, and at ten
thousand rows it is ten times as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

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
    Hyperparameter,
)
from predictor.models.parts.learner import Learner
from predictor.models.parts.trees import (
    FORM,
    Tree,
    TreeEnsemble,
    ensemble,
    smoothed_share,
    within_32_bits,
)


def _fit(rows: Floats, up: Flags, chosen: dict[str, int | float]) -> TreeEnsemble:
    """Fit boosted trees; the same rows give the same trees.

    There is no early stopping: its rows would be drawn at random, the future among the past.
    """
    share = smoothed_share(up)
    if up.all() or not up.any():
        return TreeEnsemble("logistic", float(np.log(share / (1 - share))))
    depth = int(chosen["max_depth"])
    from sklearn.ensemble import HistGradientBoostingClassifier

    learner = HistGradientBoostingClassifier(
        max_iter=int(chosen["n_estimators"]),
        max_depth=depth if depth > 0 else None,
        learning_rate=chosen["learning_rate"],
        min_samples_leaf=int(chosen["min_samples_leaf"]),
        max_leaf_nodes=int(chosen["max_leaf_nodes"]),
        max_features=chosen["max_features"],
        l2_regularization=chosen["l2_regularization"],
        early_stopping=False,
        random_state=1,
    )
    known = np.isfinite(rows).any(axis=0)
    with threadpool_limits(1):  # as the others: the market's data comes first
        fitted = learner.fit(np.where(known, within_32_bits(rows), 0.0), up)
    # The only way to the trees and to what they start from; the tests compare the answers.
    trees = [_tree(each[0].nodes) for each in fitted._predictors]  # noqa: SLF001
    return ensemble("logistic", float(fitted._baseline_prediction.item()), trees)  # noqa: SLF001


def _tree(nodes: Any) -> Tree:
    leaf = nodes["is_leaf"].astype(np.bool_)
    itself = np.arange(len(nodes))
    return Tree(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        left=np.where(leaf, itself, nodes["left"]).astype(np.int64),
        right=np.where(leaf, itself, nodes["right"]).astype(np.int64),
        value=nodes["value"].astype(np.float64),
    )


LEARNER = Learner(
    "gradient_boosting",
    _fit,
    hyperparameters={
        "n_estimators": ROUNDS,
        "max_depth": DEPTH,
        "learning_rate": RATE,
        "min_samples_leaf": Hyperparameter(20, 1),
        "max_leaf_nodes": Hyperparameter(31, 2),
        "max_features": SHARE,
        "l2_regularization": Hyperparameter(1.0),
    },
    space={
        "n_estimators": ROUNDS_TRIED,
        "max_depth": DEPTHS_TRIED,
        "learning_rate": RATES_TRIED,
        "min_samples_leaf": LEAVES_TRIED,
        "l2_regularization": PENALTIES_TRIED,
    },
    form=FORM,
)
