"""How the values of a feature are distributed, and how far others are from it.

The distance is the population stability index (Siddiqi 2006, Credit Risk Scorecards, ch. 10) over
the deciles of the earlier values. Read as is, it would call every price level a drift: so a value
counts as the same as another that is a few percent away, as seen from what is usual.
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
_DECILES = np.linspace(0, 1, 11)


class Distribution(msgspec.Struct, frozen=True):
    """Shares of the values in the bins between `edges`, which are in whole `step`s."""

    step: float
    edges: tuple[float, ...]
    shares: tuple[float, ...]

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
        return cls(step, tuple(edges.tolist()), tuple(_shares(rounded, edges).tolist()))

    def distance(self, values: Floats) -> float:
        """Return the stability index of other values, 0 where they are alike; NaN for too few."""
        known = values[np.isfinite(values)]
        if len(known) < _FEWEST:
            return float("nan")
        then = np.maximum(self.shares, _FLOOR)
        now = np.maximum(_shares(np.round(known / self.step), np.array(self.edges)), _FLOOR)
        return float(((now - then) * np.log(now / then)).sum())


def _shares(rounded: Floats, edges: Floats) -> Floats:
    bins: NDArray[np.int64] = np.searchsorted(edges, rounded)
    return np.bincount(bins, minlength=len(edges) + 1) / len(rounded)
