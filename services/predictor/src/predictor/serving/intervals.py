"""Bounds of the price that hold their level as the market changes: adaptive conformal intervals.

After each outcome the bound on the side of a miss moves out a little, and without a miss in a
smaller little, so that over time misses come as often as they should, whatever the market does
(Gibbs and Candes 2021, arXiv:2106.00170, in the form of quantile tracking by Angelopoulos, Candes
and Tibshirani 2023, arXiv:2307.16895). Each side is tracked by itself, and on a logarithmic scale:
as long as the logarithms stay within a range R, the share of misses in N outcomes is off by at most
R / (0.03 N).
"""

from __future__ import annotations

from math import exp

import msgspec

_STEP = 0.03


class Reach(msgspec.Struct):
    """How much farther than a model's own the bounds reach, as logarithms of factors.

    It is the market's at one horizon, and goes on when the model changes.
    """

    below: float = 0.0
    above: float = 0.0

    def happened(
        self, price: float, expected: float, low: float, high: float, level: float
    ) -> None:
        """Learn from a price, and the expectation and bounds that were given for it.

        A bound that is at the expectation already is not drawn in further: in a market that stands
        still it would have a long way back.
        """
        tail = (1 - level) / 2
        if price < low or low < expected:
            self.below += _STEP * ((price < low) - tail)
        if price > high or high > expected:
            self.above += _STEP * ((price > high) - tail)

    def bounds(self, low: float, high: float, move_size: float) -> tuple[float, float]:
        """Return a model's bounds, both relative to its expectation, as far as they reach now.

        The factors are those of the distance and the size of a move together, so that bounds can
        grow from nothing; they never leave the expectation itself out.
        """
        below = (max(0.0, -low) + move_size) * exp(self.below) - move_size
        above = (max(0.0, high) + move_size) * exp(self.above) - move_size
        return min(0.0, -below), max(0.0, above)
