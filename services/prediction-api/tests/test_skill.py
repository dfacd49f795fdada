"""A score in plain words."""

from dataclasses import dataclass, field

import pytest

from prediction_api.views.skill import Skill, skill_of


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
        (Figures(0.52, 0.9, effective=29), "too little data"),
        (Figures(0.52, 0.58), "better than the baselines"),
        (Figures(0.51, 0.58), "no skill yet"),
        (Figures(0.45, 0.505), "worse than the best baseline"),
        (Figures(0.49, 0.58, baselines={"majority": 0.45}), "no skill yet"),
    ],
)
def test_skill_is_said_only_where_the_interval_leaves_the_best_baseline(
    figures: Figures, said: Skill
) -> None:
    assert skill_of(figures) == said
