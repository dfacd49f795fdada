"""How sure a share or a mean is, where the outcomes of neighbouring rows overlap."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from marketstream.columns import Floats, Times

Z95 = 1.959963984540054
HORIZONS_PER_BLOCK = 3
FEWEST_BLOCKS = 10


def wilson(share: float, size: float) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927) at `size` independent rows."""
    spread = Z95**2 / size
    centre = (share + spread / 2) / (1 + spread)
    half = Z95 * sqrt(share * (1 - share) / size + spread / (4 * size)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def credit(said: Floats, came: Floats) -> Floats:
    """Return 1 for right, 0 for wrong and one half for having said nothing, of two signs."""
    return np.asarray(np.where(said == 0, 0.5, said == came), np.float64)


def effective_size(hits: Floats, blocks: Sequence[int] | Times) -> float:
    """Return how many independent rows say as much as these, whose outcomes overlap.

    The variance of the mean is estimated from sums over blocks of time that are at least three
    horizons long (cluster-robust, Liang and Zeger 1986); never more than there are rows. Few blocks
    say too little of their variance: each then counts as one row.
    """
    if len(hits) == 0:
        return 0.0
    _, block = np.unique(np.asarray(blocks), return_inverse=True)
    return effective_size_of_blocks(np.bincount(block, weights=hits), np.bincount(block))


def effective_size_of_blocks(hits: Sequence[float] | Floats, rows: Sequence[int] | Times) -> float:
    """Return the same by how many hits, of how many rows, there are in each block.

    Blocks without rows count as none.
    """
    counts = np.asarray(rows, np.float64)
    sums = np.asarray(hits, np.float64)[counts > 0]
    counts = counts[counts > 0]
    size = float(counts.sum())
    if size == 0:
        return 0.0
    share = float(sums.sum()) / size
    variance = _variance(sums - share * counts, size)
    if variance is None or share in (0.0, 1.0):
        return float(len(counts))
    return min(size, share * (1 - share) / variance) if variance > 0 else size


def variance_of_mean(values: Floats, blocks: Sequence[int] | Times) -> float | None:
    """Return the variance of a mean whose values depend on each other within blocks of time.

    None where there are too few blocks to say.
    """
    if len(values) == 0:
        return None
    _, block = np.unique(np.asarray(blocks), return_inverse=True)
    return _variance(np.bincount(block, weights=values - values.mean()), len(values))


def _variance(sums: Floats, size: float) -> float | None:
    """Return the variance of a mean by the sums of deviations from it, block by block."""
    count = len(sums)
    if count < FEWEST_BLOCKS:
        return None
    return float((sums**2).sum()) / size**2 * count / (count - 1)
