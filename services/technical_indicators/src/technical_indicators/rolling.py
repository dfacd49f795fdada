"""Sums over the last rows, with the same bits streamed and in columns: newest first, one by one.

`sum` does not do: it compensates for rounding since Python 3.12, which NumPy does not.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from marketstream.columns import Floats


def sum_newest_first(window: Iterable[float]) -> float:
    """Add up a window whose newest value comes first."""
    total = 0.0
    for value in window:
        total += value
    return total


def rolling_sum(series: Floats, length: int) -> Floats:
    """Return for each row the sum of the last `length`; NaN before there are so many."""
    total = np.zeros(len(series))
    for rows in range(length):
        total += rows_back(series, rows)
    return total


def rows_back(series: Floats, rows: int) -> Floats:
    """Return for each row the value so many rows before; NaN before there is one."""
    shifted = np.full(len(series), np.nan)
    shifted[rows:] = series[: max(0, len(series) - rows)]
    return shifted
