"""Trees of all learners in one form, and that form as ONNX has it.

LightGBM's text is described by its source (`src/io/tree.cpp`), XGBoost's JSON by its schema
(https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Any

import numpy as np

from marketstream.errors import InputError
from predictor.models.parts.trees import Tree, TreeEnsemble

_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of LightGBM's decision types, and what is missing:
_ZERO, _NAN = 4, 8


def own_trees(model: TreeEnsemble) -> list[Tree]:
    """Return the trees of an ensemble, each with its root first."""
    bounds = [*model.roots, len(model.value)]
    columns = [np.array(getattr(model, name)) for name in Tree._fields]
    found = []
    for first, last in pairwise(bounds):
        tree = Tree(*(column[first:last] for column in columns))
        found.append(tree._replace(left=tree.left - first, right=tree.right - first))
    return found


def text_trees(text: str) -> tuple[list[Tree], float]:
    """Return the trees of LightGBM's text, and by what their sum is multiplied.

    That is `sigmoid`, by the number of trees where their mean counts (`average_output`).
    """
    head, *blocks = text.split("\nTree=")
    told = head.splitlines()
    kind, *rest = next(
        (line[10:] for line in told if line.startswith("objective=")), "none"
    ).split()
    if kind != "binary":
        raise InputError(f"trees of the objective {kind} have no ONNX form here")
    slope = next((float(e.split(":")[1]) for e in rest if e.startswith("sigmoid:")), 1.0)
    if "average_output" in told:
        slope /= max(1, len(blocks))
    return [_text_tree(block.split("\nend of trees")[0]) for block in blocks], slope


def _text_tree(block: str) -> Tree:
    held = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)

    def numbers(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array(held.get(name, "").split(), np.float64)

    leaves = numbers("leaf_value")
    inner = len(leaves) - 1
    kinds, split = numbers("decision_type").astype(np.int64)[:inner], numbers("threshold")[:inner]
    if held.get("is_linear", "0") != "0":
        raise InputError("trees with linear leaves (linear_tree) have no ONNX form here")
    if (kinds & _CATEGORICAL).any():
        raise InputError("trees that split categories have no ONNX form here")
    if (kinds & _ZERO).any():
        raise InputError("trees that take 0 for missing (zero_as_missing) have no ONNX form here")
    # Where a split knows of no missing value, an unknown one counts as 0.
    missing_left = np.where(kinds & _NAN, (kinds & _DEFAULT_LEFT) != 0, split >= 0)
    nodes = np.arange(inner + len(leaves))

    def children(name: str) -> Any:
        found = numbers(name).astype(np.int64)[:inner]
        return np.concatenate([np.where(found >= 0, found, inner + ~found), nodes[inner:]])

    nothing = np.zeros(len(leaves))
    return Tree(
        feature=np.concatenate([numbers("split_feature")[:inner], nothing]).astype(np.int64),
        threshold=np.concatenate([split, nothing]),
        missing_left=np.concatenate([missing_left, np.zeros(len(leaves), np.bool_)]),
        left=children("left_child"),
        right=children("right_child"),
        value=np.concatenate([np.zeros(inner), leaves]),
    )


def xgboost_trees(text: str) -> tuple[list[Tree], float]:
    """Return the trees of XGBoost's JSON, and the log odds that they start from."""
    learner = json.loads(text)["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    found = []
    for tree in learner["gradient_booster"]["model"]["trees"]:
        left = np.array(tree["left_children"], np.int64)
        leaf, itself = left < 0, np.arange(len(left))
        split = np.array(tree["split_conditions"], np.float32).astype(np.float64)
        found.append(
            Tree(
                feature=np.array(tree["split_indices"], np.int64),
                threshold=split,
                missing_left=np.array(tree["default_left"], np.bool_),
                left=np.where(leaf, itself, left),
                right=np.where(leaf, itself, np.array(tree["right_children"], np.int64)),
                value=np.where(leaf, split, 0.0),
            )
        )
    return found, log(base / (1 - base))


def tree_attributes(helper: Any, double: int, trees: Sequence[Tree], mode: str) -> dict[str, Any]:
    """Return the attributes of a TreeEnsembleRegressor; a tree whose root is a leaf is one too."""
    sizes = [len(tree.value) for tree in trees] or [1]
    tree_ids = np.repeat(np.arange(len(sizes)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])

    def joined(name: str) -> Any:
        parts = [getattr(tree, name) for tree in trees]
        return np.concatenate(parts) if parts else np.zeros(1)

    leaf = joined("left") == node_ids

    def tensor(name: str, values: Any) -> Any:
        return helper.make_tensor(name, double, (len(values),), values.tolist())

    def whole(values: Any) -> list[int]:
        return [int(each) for each in values]

    return {
        "n_targets": 1,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "nodes_treeids": whole(tree_ids),
        "nodes_nodeids": whole(node_ids),
        "nodes_featureids": whole(np.where(leaf, 0, joined("feature"))),
        "nodes_modes": ["LEAF" if each else mode for each in leaf],
        "nodes_values_as_tensor": tensor("thresholds", np.where(leaf, 0.0, joined("threshold"))),
        "nodes_truenodeids": whole(np.where(leaf, 0, joined("left"))),
        "nodes_falsenodeids": whole(np.where(leaf, 0, joined("right"))),
        "nodes_missing_value_tracks_true": whole(joined("missing_left")),
        "target_treeids": whole(tree_ids[leaf]),
        "target_nodeids": whole(node_ids[leaf]),
        "target_ids": whole(np.zeros(int(leaf.sum()))),
        "target_weights_as_tensor": tensor("leaves", joined("value")[leaf]),
    }
