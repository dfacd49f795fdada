"""The recipe for a model, followed to the letter."""

from __future__ import annotations

from pathlib import Path

from .following import follow, scratch_copy


def test_recipe_for_a_model_gives_a_learner_that_keeps_the_contract(tmp_path: Path) -> None:
    printed = follow("model.md", scratch_copy(tmp_path))
    assert "nearest_mean" in printed
    assert "type='nearest_mean'" in printed
    passed = next(line for line in printed.splitlines() if " passed" in line)
    assert "failed" not in passed
    assert int(passed.split()[0]) >= 30
