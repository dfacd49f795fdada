"""Decision trees as plain numbers: what scikit-learn's forests and boosted trees become.

The arrays can be written as JSON, and need no scikit-learn to be read and served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import tanh
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats
from predictor.models.parts.learner import plain_form

_LARGEST = 3e38  # what still fits into the 32 bits of the learners that use them


class Tree(NamedTuple):
    """One tree by nodes, the root first; a leaf is a node whose children are itself.

    A row goes left where its `feature` is at most `threshold`, or unknown and `missing_left`.
    """

    feature: NDArray[np.int64]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Trees one after the other: `start` and the values of the leaves that a row falls into.

    The sum is the log of the odds (`logistic`), or the mean over the trees the probability
    (`mean`); without trees `start` alone is.
    """

    link: Literal["mean", "logistic"]
    start: float
    roots: tuple[int, ...] = ()
    feature: tuple[int, ...] = ()
    threshold: tuple[float, ...] = ()
    missing_left: tuple[bool, ...] = ()
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    value: tuple[float, ...] = ()

    def probability(self, rows: Floats) -> Floats:
        """Return the probability of each row."""
        feature, left, right = (np.array(part) for part in (self.feature, self.left, self.right))
        threshold, value = np.array(self.threshold), np.array(self.value)
        missing_left = np.array(self.missing_left)
        every = np.arange(len(rows))
        total = np.full(len(rows), self.start)
        for root in self.roots:
            node = np.full(len(rows), root)
            while True:
                asked = rows[every, feature[node]]
                goes_left = (asked <= threshold[node]) | (np.isnan(asked) & missing_left[node])
                child = np.where(goes_left, left[node], right[node])
                if np.array_equal(child, node):
                    break
                node = child
            total += value[node]
        if self.link == "mean":
            return total / max(1, len(self.roots))
        return np.asarray(0.5 + 0.5 * np.tanh(total / 2), np.float64)

    def probability_of(self, row: Sequence[float]) -> float:
        """Return the same of one row, in plain floats, which is faster than arrays."""
        feature, threshold, missing_left = self.feature, self.threshold, self.missing_left
        left, right, value = self.left, self.right, self.value
        total = self.start
        for root in self.roots:
            node, child = -1, root
            while child != node:
                node = child
                asked = row[feature[node]]
                if asked <= threshold[node] or (asked != asked and missing_left[node]):
                    child = left[node]
                else:
                    child = right[node]
            total += value[node]
        if self.link == "mean":
            return total / max(1, len(self.roots))
        return 0.5 + 0.5 * tanh(total / 2)


FORM = plain_form("trees", TreeEnsemble)


def ensemble(
    link: Literal["mean", "logistic"], start: float, trees: Sequence[Tree]
) -> TreeEnsemble:
    """Return trees as one ensemble of plain numbers."""
    first = np.cumsum([0, *(len(tree.value) for tree in trees)])
    moved = [
        tree._replace(left=tree.left + offset, right=tree.right + offset)
        for tree, offset in zip(trees, first[:-1], strict=True)
    ]
    columns = ([getattr(tree, name) for tree in moved] for name in Tree._fields)
    joined = (tuple(np.concatenate(parts).tolist()) if parts else () for parts in columns)
    return TreeEnsemble(link, start, tuple(first[:-1].tolist()), *joined)


def within_32_bits(rows: Floats) -> Floats:
    """Return the rows with infinite and huge values cut to what learners of 32 bits accept."""
    return np.clip(rows, -_LARGEST, _LARGEST)


def smoothed_share(up: NDArray[np.bool_]) -> float:
    """Return the share of a class, never 0 or 1 (Laplace's rule of succession)."""
    return float((np.count_nonzero(up) + 1) / (len(up) + 2))
