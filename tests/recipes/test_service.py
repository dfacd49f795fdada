"""docs/recipes/service.md leads to a service that everything knows, to the letter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .following import follow, scratch_copy

# What has to have learnt of it, by `make render` alone.
TOLD = (
    "docker-compose.yml",
    "docker/spreads.Dockerfile",
    "deployment/chart/values.yaml",
    "deployment/dev/spreads.yaml",
    "deployment/prod/spreads.yaml",
    "deployment/monitoring/prometheus.yaml",
    "deployment/monitoring/prometheus-operator.yaml",
    "deployment/monitoring/rules/pipeline.yaml",
    "deployment/monitoring/dashboards/pipeline.json",
    ".github/workflows/publish.yml",
    "docs/house.md",
    "pyproject.toml",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_recipe_makes_a_service_that_is_tested_and_known_everywhere(tmp_path: Path) -> None:
    copy = scratch_copy(tmp_path)
    assert [name for name in TOLD if "spreads" in _text(copy / name)] == []
    printed = follow("service.md", copy)
    assert "failed" not in printed
    assert [name for name in TOLD if "spreads" not in _text(copy / name)] == []
    for rules in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [copy / ".venv" / "bin" / "ruff", *rules, "services/spreads"],
            cwd=copy, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
