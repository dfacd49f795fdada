"""A score in plain words."""

from dataclasses import dataclass, field

import pytest

from marketstream.skill import Skill, skill_by_pairs, skill_of


@dataclass
class Figures:
    low: float | None
    high: float | None
    effective: float = 500.0
    accuracy: float | None = 0.55
    baselines: dict[str, float] = field(default_factory=lambda: {"majority": 0.51, "reversal": 0.4})


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (Figures(None, None, 0.0, None, {}), "too little data"),
        (Figures(0.52, 0.9, effective=99), "too little data"),
        (Figures(0.52, 0.58), "skill"),
        (Figures(0.51, 0.58), "no skill"),
        (Figures(0.45, 0.505), "worse than the best baseline"),
        (Figures(0.49, 0.58, baselines={"majority": 0.45}), "no skill"),
    ],
)
def test_skill_is_said_only_where_the_interval_leaves_the_best_baseline(
    figures: Figures, said: Skill
) -> None:
    assert skill_of(figures) == said


@pytest.mark.parametrize(
    ("low", "effective", "ahead_low", "said"),
    [
        (None, 500, [], "too little data"),
        (0.6, 99, [0.1], "too little data"),
        (0.51, 100, [0.01, 0.02], "skill"),
        (0.5, 500, [0.01], "no skill"),
        (0.6, 500, [0.01, 0.0], "no skill"),
        (0.6, 500, [0.01, None], "no skill"),
    ],
)
def test_on_the_same_rows_skill_is_to_be_ahead_of_a_coin_and_of_every_baseline(
    low: float | None, effective: float, ahead_low: list[float | None], said: Skill
) -> None:
    assert skill_by_pairs(low, effective, ahead_low) == said
