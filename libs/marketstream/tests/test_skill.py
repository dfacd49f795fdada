"""An evaluation in plain words."""

import pytest

from marketstream.skill import Skill, skill_by_pairs


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
