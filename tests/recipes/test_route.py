"""docs/recipes/route.md leads to a route that answers, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from .following import follow, scratch_copy


@pytest.mark.slow
def test_the_recipe_adds_a_route_that_answers_and_that_the_ingress_shows(tmp_path: Path) -> None:
    copy = scratch_copy(tmp_path)
    printed = follow("route.md", copy)
    assert " passed" in printed
    assert "path: /price" in (copy / "deployment" / "prod" / "prediction-api.yaml").read_text()
