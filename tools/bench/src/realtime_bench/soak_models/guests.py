"""Models from outside that take part in the soak: each reads what models read, and leans on it."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

_FLAT = 0.2


class Leaning:
    """Says up as likely as one of the features says, by the logistic function."""

    place = 0

    def __init__(self, features: tuple[str, ...]) -> None:
        self.features = features

    def probabilities(self, row: Sequence[float], horizon_ms: int) -> Sequence[float]:
        """Return how likely down, none and up are."""
        del horizon_ms
        leaning = max(-20.0, min(20.0, row[self.place % len(row)]))
        up = (1 - _FLAT) / (1 + exp(-leaning))
        return (1 - _FLAT - up, _FLAT, up)


class First(Leaning):
    """Leans on the first."""


class Second(Leaning):
    """Leans on the second."""

    place = 1


class Third(Leaning):
    """Leans on the third."""

    place = 2


class Fourth(Leaning):
    """Leans on the fourth."""

    place = 3


NAMES = ("First", "Second", "Third", "Fourth")
