"""Quantiles around what is expected, which hold their level as the market changes.

They begin as those of residuals, and each goes on by itself as outcomes become known: out after a
miss, in a little without one (Gibbs and Candes 2021, arXiv:2106.00170, in the form of quantile
tracking by Angelopoulos, Candes and Tibshirani 2023, arXiv:2307.16895).
"""

from __future__ import annotations

from typing import Self

import numpy as np

from marketstream.columns import Floats, Times

LEVELS: Floats = np.arange(1, 20) / 20
"""0.05 to 0.95: the outermost two are bounds of 90 %."""

_STEP = 0.1  # of a residual's deviation, shared by the rows whose outcomes overlap


class Tracker:
    """The quantiles of residuals at `LEVELS`, each tracked by itself."""

    def __init__(self, quantiles: Floats, step: float) -> None:
        self.tracked = quantiles.copy()
        self.step = step

    @classmethod
    def begun(cls, residuals: Floats, overlap: float) -> Self:
        """Begin with the quantiles of some; `overlap` is how many rows there are in a horizon."""
        return cls(
            np.quantile(residuals, LEVELS), _STEP * float(residuals.std()) / max(1.0, overlap)
        )

    def learn(self, residual: float) -> None:
        """Move all of them a little towards a residual that has become known."""
        self.tracked += self.step * (LEVELS - (residual <= self.tracked))

    @property
    def quantiles(self) -> Floats:
        """The quantiles in order: tracked each by itself, two may have crossed."""
        return np.sort(self.tracked)


def tracked(tracker: Tracker, residuals: Floats, times_ms: Times, ends_ms: Times) -> Floats:
    """Return the quantiles of each residual as they stood when it was forecast, a row each.

    Rows are in order of `times_ms`; a residual is learnt from at the first row at or after its
    `ends_ms`.
    """
    order = np.argsort(ends_ms, kind="stable")
    due = np.searchsorted(ends_ms[order], times_ms, side="right")
    rows = np.empty((len(residuals), len(LEVELS)))
    learnt = 0
    for row, until in enumerate(due):
        while learnt < until:
            tracker.learn(residuals[order[learnt]])
            learnt += 1
        rows[row] = tracker.tracked
    return np.sort(rows, axis=1)
