"""What a score means, in the same words wherever it is asked: live, in evaluations, for promotion.

Skill is to be better than a coin and than every baseline, beyond chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

type Skill = Literal["too little data", "no skill", "worse than the best baseline", "skill"]

FEWEST_EFFECTIVE = 100
"""Of fewer independent rows nothing is said."""

COIN = 0.5


class Shares(Protocol):
    """Accuracy (0-1) with its 95 % interval at `effective` independent rows, and the baselines'."""

    @property
    def effective(self) -> float: ...  # noqa: D102
    @property
    def accuracy(self) -> float | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def baselines(self) -> Mapping[str, float]: ...  # noqa: D102


def skill_of(score: Shares) -> Skill:
    """Say whether the interval lies above the best baseline; a coin is always one of them."""
    if score.low is None or score.high is None or score.effective < FEWEST_EFFECTIVE:
        return "too little data"
    best = max([COIN, *score.baselines.values()])
    if score.low > best:
        return "skill"
    return "worse than the best baseline" if score.high < best else "no skill"


def skill_by_pairs(low: float | None, effective: float, ahead_low: Iterable[float | None]) -> Skill:
    """Say the same by differences on the same rows, which tell more than two shares do.

    `low` bounds the accuracy from below, `ahead_low` how far ahead of each baseline it is.
    """
    if low is None or effective < FEWEST_EFFECTIVE:
        return "too little data"
    better = all(each is not None and each > 0 for each in ahead_low)
    return "skill" if better and low > COIN else "no skill"
