"""What an evaluation means, in words: one look at rows whose number was fixed beforehand.

Skill is to be better than a coin and than every baseline, beyond chance. What is looked at again
and again is for `evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

type Skill = Literal["too little data", "no skill", "skill"]

FEWEST_EFFECTIVE = 100
"""Of fewer independent rows nothing is said."""

COIN = 0.5


def skill_by_pairs(low: float | None, effective: float, ahead_low: Iterable[float | None]) -> Skill:
    """Say whether it is ahead on the same rows, whose differences tell more than two shares do.

    `low` bounds the accuracy from below, `ahead_low` how far ahead of each baseline it is.
    """
    if low is None or effective < FEWEST_EFFECTIVE:
        return "too little data"
    better = all(each is not None and each > 0 for each in ahead_low)
    return "skill" if better and low > COIN else "no skill"
