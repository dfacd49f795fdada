"""How the values of a feature are distributed, and how far others are from it.

The distance is the population stability index (Siddiqi 2006, Credit Risk Scorecards, ch. 10) over
the deciles of the earlier values. Read as is, it would call every price level a drift: so a value
counts as the same as another that is a few percent away, as seen from what is usual.

Neighbouring rows are alike, so a stretch of them is never distributed as the whole is, and features
that wander slowly are farther from it than others. How far is told by the set's own stretches.
"""

from __future__ import annotations

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from marketstream.columns import Floats

_FEWEST = 500  # neighbouring rows are alike: a few hundred are no distribution
_STEP = 0.2  # of the median size: what is nearer than half of it is the same
_FLOOR = 1e-3  # the share of a bin that is empty
WINDOW = 1_000
"""Rows of a stretch that is compared with a set."""

_FEWEST_WINDOWS = 10  # of fewer, the farthest says too little; of ten it may be twice as far
_DECILES = np.linspace(0, 1, 11)


class Distribution(msgspec.Struct, frozen=True):
    """Shares of the values in the bins between `edges`, which are in whole `step`s.

    `usual` is how far windows of 1,000 rows may be from it in a market that stays as it is: as the
    farthest of the set's own is from its other rows, and a share more that falls with the number of
    windows, 1 + 10 / n times. None where there are fewer than ten.
    """

    step: float
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    usual: float | None = None

    @classmethod
    def of(cls, values: Floats) -> Self | None:
        """Return the distribution of the values that are known, None where they are too few."""
        known = values[np.isfinite(values)]
        if len(known) < _FEWEST:
            return None
        step = _STEP * float(np.median(np.abs(known))) or _STEP * float(np.abs(known).mean()) or 1.0
        rounded = np.round(known / step)
        deciles = np.unique(np.quantile(rounded, _DECILES, method="nearest"))
        edges = np.unique(np.concatenate((deciles - 0.5, deciles + 0.5)))
        shares = _shares(rounded, edges)
        return cls(step, tuple(edges.tolist()), tuple(shares.tolist()), _usual(rounded, edges))

    def distance(self, values: Floats) -> float:
        """Return the stability index of other values, 0 where they are alike; NaN for too few."""
        known = values[np.isfinite(values)]
        if len(known) < _FEWEST:
            return float("nan")
        now = _shares(np.round(known / self.step), np.array(self.edges))
        return float(_index(np.array(self.shares), now))


def _index(then: Floats, now: Floats) -> Floats:
    """Return the stability index of shares, along the last axis."""
    then, now = np.maximum(then, _FLOOR), np.maximum(now, _FLOOR)
    return np.asarray(((now - then) * np.log(now / then)).sum(axis=-1), np.float64)


def _usual(rounded: Floats, edges: Floats) -> float | None:
    """Return how far windows may be; the last one ends with the set."""
    windows = len(rounded) // WINDOW
    if windows < _FEWEST_WINDOWS:
        return None
    newest = rounded[-windows * WINDOW :].reshape(windows, WINDOW)
    now = np.stack([_shares(each, edges) for each in newest])
    rest = (now.sum(axis=0) - now) / (windows - 1)
    return float(_index(rest, now).max()) * (1 + _FEWEST_WINDOWS / windows)


def _shares(rounded: Floats, edges: Floats) -> Floats:
    bins: NDArray[np.int64] = np.searchsorted(edges, rounded)
    return np.bincount(bins, minlength=len(edges) + 1) / len(rounded)
