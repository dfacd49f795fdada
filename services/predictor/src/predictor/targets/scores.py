"""How good forecasts of a target are, and whether one is better than another beyond chance.

QLIKE and CRPS are both lowest where what is said is so: QLIKE for the mean of any positive
quantity, also where what came is but a noisy proxy of it (Patton 2011, Journal of Econometrics
160), the continuous ranked probability score for all quantiles (Gneiting and Raftery 2007).
"""

from __future__ import annotations

from math import ceil

import numpy as np

from marketstream.columns import Floats, Times
from marketstream.uncertainty import HORIZONS_PER_BLOCK
from predictor.targets.bounds import LEVELS
from predictor.targets.definitions import Target

_BLOCKS = 100
_FEWEST_BLOCKS = 10
_DRAWS = 2_000
_SEED = 1


def qlike(came: Floats, mean: Floats) -> Floats:
    """Return c/m - ln(c/m) - 1 of each row: 0 where the forecast mean is what came."""
    ratio = came / mean
    return np.asarray(ratio - np.log(ratio) - 1)


def crps(value: Floats, quantiles: Floats) -> Floats:
    """Return the CRPS of each row from its quantiles at `LEVELS`: twice the mean pinball loss."""
    above = value[:, None] - quantiles
    return np.asarray(2 * np.maximum(LEVELS * above, (LEVELS - 1) * above).mean(axis=1))


def explained(value: Floats, expected: Floats) -> float | None:
    """Return the share of the values' variance that is explained, R²; None where there is none."""
    total = float(((value - value.mean()) ** 2).sum())
    return 1 - float(((value - expected) ** 2).sum()) / total if total > 0 else None


def basis_points(values: Floats, target: Target) -> Floats:
    """Return a target as basis points of the price: of a variance its root."""
    return np.asarray(1e4 * (np.sqrt(values) if target == "volatility" else values))


def blocks_of(times_ms: Times, horizon_ms: int) -> Times:
    """Return which block of time each row is in: a hundredth of all, or three horizons."""
    span_ms = int(times_ms[-1] - times_ms[0]) + 1
    return times_ms // max(HORIZONS_PER_BLOCK * horizon_ms, ceil(span_ms / _BLOCKS))


def less_by(
    losses: Floats, other: Floats, blocks: Times
) -> tuple[float, float | None, float | None]:
    """Return by which share the mean loss is less than the other's, with its 95 % bounds.

    Blocks of time are drawn again and again, the same of both (a paired block bootstrap, Carlstein
    1986). Bounds are None where there are fewer than ten blocks.
    """
    share = 1 - float(losses.sum() / other.sum()) if other.sum() > 0 else 0.0
    _, block = np.unique(blocks, return_inverse=True)
    count = int(block.max()) + 1
    if count < _FEWEST_BLOCKS:
        return share, None, None
    sums = np.bincount(block, weights=losses), np.bincount(block, weights=other)
    random = np.random.default_rng(_SEED)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    shares = 1 - (drawn @ sums[0]) / np.maximum(drawn @ sums[1], np.finfo(np.float64).tiny)
    low, high = np.quantile(shares, (0.025, 0.975))
    return share, float(low), float(high)
