"""What is said of how far before a whole horizon is over: the variance so far, carried on."""

from __future__ import annotations

from math import pi, sqrt

from marketstream.messages import MovePrice, MoveTarget

NAME = "so_far"
FEWEST = 20
"""Returns that have to be known: of so few a variance is told to a third (sqrt(2 / 20))."""


def so_far(variance: float, target: MoveTarget, closes: int, price: MovePrice) -> float | None:
    """Return what is expected over so many closes of a random walk; None where nothing moved.

    `variance` is that of a close. The variances of closes add up. The range of a walk that is seen
    at its closes alone is by Spitzer's identity (1956) sqrt(2 / pi) times the sum of 1 / sqrt(k);
    one that is seen all the time, as candles have it, sqrt(8 n / pi) (Feller 1951).
    """
    if not variance > 0:
        return None
    if target == "volatility":
        return closes * variance
    if price == "close":
        return sqrt(8 * closes / pi * variance)
    steps = sum(1 / sqrt(close) for close in range(1, closes + 1))
    return sqrt(2 / pi * variance) * steps
