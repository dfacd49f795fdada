"""Sums that fade: what was added loses a factor with each base candle, the same bits in both forms.

A sum is kept in blocks of 64 candles from where it began: what was added within the block, and what
had been carried into it. Columns add up all blocks at once, and carry from block to block: a
million rows take 20 ms, where one recursion through all of them takes 120.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp

import numpy as np

from marketstream.columns import Flags, Floats, Integers
from technical_indicators.base_definition import check_visible

BLOCK = 64
"""How many candles a block has; within one a value is added to what has faded, and no more."""
_SHORT = 1_024  # rows in which blocks would cost more than they save

FADED = 1e-250
"""A sum of weights below that has faded to nothing."""


class Decay:
    """Weights e^(-age / seconds), age counted from base close to base close.

    `rows` is how many candles a feature has seen before it is known: three times as long, so that
    what was before would weigh less than 5 % of all. After `settles` it weighs less than 1e-10.
    """

    def __init__(self, seconds: float, base_s: float) -> None:
        check_visible(seconds, base_s)
        self.rows = ceil(3 * seconds / base_s)
        self.settles = ceil(24 * seconds / base_s)
        self.factor = exp(-base_s / seconds)
        self._powers = [self.factor]
        while len(self._powers) < BLOCK:
            self._powers.append(self._powers[-1] * self.factor)

    def fold(self, seen: int, kept: Sequence[float], value: float) -> tuple[float, float]:
        """Add a value after so many; return what is within the block, and what is carried."""
        if seen % BLOCK:
            return kept[0] * self.factor + value, kept[1]
        return value, self.total(seen, kept) if seen else 0.0

    def total(self, seen: int, kept: Sequence[float]) -> float:
        """Return the sum after so many values."""
        return kept[0] + kept[1] * self._powers[(seen - 1) % BLOCK]

    def totals(self, series: Floats, run: Integers) -> Floats:
        """Return the sums over a series, anew where a run begins; NaN where there is none."""
        totals = np.full(len(series), np.nan)
        begins = np.flatnonzero(run == 1)
        inside = run > 0
        ends = np.flatnonzero(inside & ~np.append(run[1:] > 1, [False])) + 1
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            of_run = series[begin:end]
            totals[begin:end] = self._short(of_run) if end - begin < _SHORT else self._long(of_run)
        return totals

    def _short(self, series: Floats) -> list[float]:
        totals, kept = [], (0.0, 0.0)
        for seen, value in enumerate(series.tolist()):
            kept = self.fold(seen, kept, value)
            totals.append(self.total(seen + 1, kept))
        return totals

    def _long(self, series: Floats) -> Floats:
        blocks = -(-len(series) // BLOCK)
        padded = np.zeros(blocks * BLOCK)
        padded[: len(series)] = series
        within = padded.reshape(blocks, BLOCK).T.copy()
        for row in range(1, BLOCK):
            within[row] += within[row - 1] * self.factor
        carried = [0.0]
        for end in within[-1, :-1].tolist():
            carried.append(end + carried[-1] * self._powers[-1])
        within += np.array(carried) * np.array(self._powers)[:, np.newaxis]
        return within.T.reshape(-1)[: len(series)]


def run_of(known: Flags, run: Integers) -> Integers:
    """Return how many rows are known one after the other, without a hole, up to each row."""
    rows = np.arange(len(run))
    begin = np.maximum.accumulate(np.where(known, -1, rows))
    return np.minimum(rows - begin, run)
