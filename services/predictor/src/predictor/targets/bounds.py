"""Quantiles around what is expected, which hold their level as the market changes.

They begin as those of residuals, and each goes on by itself as outcomes become known: out after a
miss, in a little without one (Gibbs and Candes 2021, arXiv:2106.00170, in the form of quantile
tracking by Angelopoulos, Candes and Tibshirani 2023, arXiv:2307.16895).
"""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats, Times

LEVELS: Floats = np.arange(1, 20) / 20
"""0.05 to 0.95: the outermost two are bounds of 90 %."""

_STEP = 0.1  # of a residual's deviation, shared by the rows whose outcomes overlap


def tracked(
    residuals: Floats, before: Floats, times_ms: Times, ends_ms: Times, overlap: float
) -> Floats:
    """Return the quantiles of each residual as they stood when it was forecast, a row each.

    `before` are residuals known before the first row. Rows are in order of `times_ms`; a residual
    is learnt from at the first row at or after its `ends_ms`. `overlap` is how many rows there are
    in a horizon.
    """
    quantiles = np.quantile(before, LEVELS)
    step = _STEP * float(before.std()) / max(1.0, overlap)
    order = np.argsort(ends_ms, kind="stable")
    due = np.searchsorted(ends_ms[order], times_ms, side="right")
    rows = np.empty((len(residuals), len(LEVELS)))
    learnt = 0
    for row, until in enumerate(due):
        while learnt < until:
            quantiles += step * (LEVELS - (residuals[order[learnt]] <= quantiles))
            learnt += 1
        rows[row] = quantiles
    return np.sort(rows, axis=1)  # tracked each by itself, two may have crossed
