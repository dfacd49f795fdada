"""Sums and means over the last values of a column, unknown ones left out."""

from __future__ import annotations

import numpy as np

from marketstream.columns import Floats, Integers


class Windows:
    """A column summed up once; sums go from left to right, so what comes later changes none."""

    def __init__(self, values: Floats) -> None:
        self._sums = np.append(0.0, np.cumsum(np.nan_to_num(values)))
        self._counts = np.append(0, np.cumsum(np.isfinite(values)))

    def known(self, ends: Integers, length: int) -> Integers:
        """Return how many of the `length` values before each of `ends` (exclusive) are known."""
        return self.count(np.maximum(ends - length, 0), ends)

    def count(self, starts: Integers, ends: Integers) -> Integers:
        """Return how many values from `starts` to `ends` (exclusive) are known."""
        return np.asarray(self._counts[ends] - self._counts[starts])

    def total(self, ends: Integers, length: int) -> Floats:
        """Return the sum of the `length` values before each of `ends`; NaN where one is unknown."""
        sums = self._sums[ends] - self._sums[np.maximum(ends - length, 0)]
        return np.where(self.known(ends, length) == length, np.maximum(sums, 0.0), np.nan)

    def mean(self, ends: Integers, length: int) -> Floats:
        """Return the mean of those that are known; NaN where none is."""
        return self.between(np.maximum(ends - length, 0), ends)

    def between(self, starts: Integers, ends: Integers) -> Floats:
        """Return the mean of the known values from `starts` to `ends` (exclusive)."""
        counts = self.count(starts, ends)
        sums = np.maximum(self._sums[ends] - self._sums[starts], 0.0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
