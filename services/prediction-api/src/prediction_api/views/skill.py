"""What a score means, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

type Skill = Literal[
    "too little data",
    "no skill yet",
    "better than the baselines",
    "worse than the best baseline",
]

_FEWEST_EFFECTIVE = 30  # fewer independent rows leave an interval as wide as the chart


class Score(Protocol):
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


def skill_of(score: Score) -> Skill:
    """Say whether the interval lies above the best baseline; a coin is always one of them."""
    if score.low is None or score.high is None or score.effective < _FEWEST_EFFECTIVE:
        return "too little data"
    best = max([0.5, *score.baselines.values()])
    if score.low > best:
        return "better than the baselines"
    return "worse than the best baseline" if score.high < best else "no skill yet"
