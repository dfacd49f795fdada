"""The trees of many boosters, asked about one row at once.

LightGBM keeps each tree in a dozen places, so that a row that goes through hundreds of trees waits
for memory most of the time. Here a row is compared with the thresholds of all nodes in one go, and
each tree's leaf follows from the nodes it does not go left at: every node has a bit mask of the
leaves that are out of reach then, and of those in reach of all nodes the leftmost is the one
(Lucchese et al. 2015, QuickScorer, doi:10.1145/2766462.2767733). Comparisons and sums are those of
LightGBM in its order, so the answers have its bits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import exp
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Flags, Floats

_HEAD = {"version=v4", "num_class=1", "num_tree_per_iteration=1", "objective=binary sigmoid:1"}
_MOST_LEAVES, _FEW_LEAVES = 32, 16
_ZERO = float(np.float32(1e-35))  # what is no farther from 0 counts as 0 with LightGBM
_ZERO_MISSING, _CATEGORICAL = 4, 1  # bits of a decision's type
_FARTHEST = 700.0  # log odds
_EXPONENT, _BIAS = 52, 1023  # of the power of two that a double holds


_MOST_ROOMS = 16

type Masks = NDArray[np.unsignedinteger[Any]]


class Flat(NamedTuple):
    """The trees of one booster: a row for each node, a column for each tree, padded.

    `masks` have a bit for each leaf that a row which does not go left at a node cannot come to,
    `leaves` the leaves' values from the left to the right.
    """

    columns: int
    features: NDArray[np.intp]
    thresholds: Floats
    masks: NDArray[np.uint32]
    leaves: Floats


class Forest:
    """Boosters of the same columns, asked about one row at once."""

    def __init__(self, flats: Sequence[Flat]) -> None:
        """Put trees side by side: those of the same number in their boosters beside each other."""
        trees = max(flat.leaves.shape[1] for flat in flats)
        nodes = max(flat.features.shape[0] for flat in flats)
        leaves = max(flat.leaves.shape[0] for flat in flats)
        several, every = len(flats), len(flats) * trees
        self.columns = max(flat.columns for flat in flats)
        features = np.zeros((nodes, trees, several), np.intp)
        thresholds = np.full((nodes, trees, several), np.inf)
        masks = np.zeros((nodes, trees, several), np.uint32)
        values = np.zeros((leaves, trees, several))
        for place, flat in enumerate(flats):
            rows, count = flat.features.shape
            features[:rows, :count, place] = flat.features
            thresholds[:rows, :count, place] = flat.thresholds
            masks[:rows, :count, place] = flat.masks
            values[: flat.leaves.shape[0], :count, place] = flat.leaves
        self._features = features.reshape(-1)
        self._thresholds = thresholds.reshape(-1)
        small = leaves <= _FEW_LEAVES
        self._masks = masks.reshape(nodes, every).astype(np.uint16 if small else np.uint32)
        self._one = self._masks.dtype.type(1)
        self._values = np.ascontiguousarray(values.reshape(leaves, every).T).reshape(-1)
        self._first = leaves * np.arange(every, dtype=np.int64) - _BIAS
        self._shape = (trees, several)

    def ask(self, row: Sequence[float]) -> list[float] | None:
        """Return the probability that each booster gives; None where only it can say.

        So it is of a row with an unknown value, and of odds beyond what `exp` can hold.
        """
        values = np.array(row[: self.columns], np.float64)
        if not values.dot(values) >= 0:
            return None
        masks = self._masks
        at, right, out = _SCRATCH.room(len(masks), masks.shape[1], masks.dtype.char)
        values.take(self._features, out=at, mode="clip")
        np.greater(at, self._thresholds, out=right)
        np.multiply(masks, right.reshape(masks.shape), out=out)
        gone = np.bitwise_or.reduce(out, axis=0)
        leftmost = (gone + self._one) & ~gone
        leaf = leftmost.astype(np.float64).view(np.int64) >> _EXPONENT
        leaf += self._first
        odds = self._values.take(leaf, mode="clip").reshape(self._shape)
        # One after the other, which `sum` does not promise.
        said: list[float] = np.add.accumulate(odds, axis=0)[-1].tolist()
        if min(said) < -_FARTHEST:
            return None
        return [1.0 / (1.0 + exp(-each)) for each in said]


class _Scratch(threading.local):
    """Room for what is between, the same for all markets, so that the caches have it."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[int, int, str], tuple[Floats, Flags, Masks]] = {}

    def room(self, nodes: int, trees: int, kind: str) -> tuple[Floats, Flags, Masks]:
        """Return room for the values, what is to the right, and the leaves that are gone."""
        room = self._rooms.get((nodes, trees, kind))
        if room is None:
            if len(self._rooms) >= _MOST_ROOMS:
                self._rooms.clear()
            many = nodes * trees
            room = np.empty(many), np.empty(many, np.bool_), np.empty((nodes, trees), kind)
            self._rooms[nodes, trees, kind] = room
        return room


_SCRATCH = _Scratch()


def flattened(text: str) -> Flat | None:
    """Return the trees of a model text; None of a kind that can only be asked by LightGBM."""
    head, _, rest = text.partition("\nTree=0\n")
    lines = head.split("\n")
    if not set(lines) >= _HEAD or "average_output" in lines or not rest:
        return None
    (columns,) = (int(each[16:]) + 1 for each in lines if each.startswith("max_feature_idx="))
    trees = rest.partition("end of trees")[0].split("\nTree=")
    told = [dict(line.partition("=")[::2] for line in tree.split("\n")) for tree in trees]
    several = [int(tree["num_leaves"]) for tree in told]
    if max(several) > _MOST_LEAVES or any(
        t["num_cat"] != "0" or t["is_linear"] != "0" for t in told
    ):
        return None
    nodes = max(1, max(several) - 1)
    features = np.zeros((nodes, len(told)), np.intp)
    thresholds = np.full((nodes, len(told)), np.inf)
    masks = np.zeros((nodes, len(told)), np.uint32)
    leaves = np.zeros((nodes + 1, len(told)))
    for place, (tree, count) in enumerate(zip(told, several, strict=True)):
        values = [float(each) for each in tree["leaf_value"].split()]
        if count == 1:
            leaves[0, place] = values[0]
            continue
        types = {int(each) for each in tree["decision_type"].split()}
        if any(each & (_ZERO_MISSING | _CATEGORICAL) for each in types):
            return None
        features[: count - 1, place] = [int(each) for each in tree["split_feature"].split()]
        thresholds[: count - 1, place] = [_border(float(t)) for t in tree["threshold"].split()]
        order, removed = _leaves_of(tree)
        masks[: count - 1, place] = removed
        leaves[:count, place] = [values[each] for each in order]
    return Flat(columns, features, thresholds, masks, leaves)


def _border(threshold: float) -> float:
    """Return the border for values as they are, where LightGBM compares 0 for those next to 0."""
    if threshold == -_ZERO:
        return float(np.nextafter(threshold, -np.inf))
    return _ZERO if 0 <= threshold < _ZERO else threshold


def _leaves_of(tree: dict[str, str]) -> tuple[list[int], list[int]]:
    """Return a tree's leaves from the left to the right, and the masks of its nodes."""
    left = [int(each) for each in tree["left_child"].split()]
    right = [int(each) for each in tree["right_child"].split()]
    order: list[int] = []
    masks = [0] * len(left)

    def walk(node: int) -> None:
        if node < 0:
            order.append(~node)
            return
        first = len(order)
        walk(left[node])
        masks[node] = 2 ** len(order) - 2**first
        walk(right[node])

    walk(0)
    return order, masks
