"""Two minutes of faults by seed; `REALTIME_SOAK_SEEDS="7 8"` chooses which seeds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realtime_bench.soak.course import Soak, run

SEEDS = [int(seed) for seed in os.environ.get("REALTIME_SOAK_SEEDS", "1").split()]
MINUTES = 1.2  # of faults; a start before and settling afterwards make it two


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_wrong_or_needlessly_incomplete(seed: int, tmp_path: Path) -> None:
    asked = Soak(seed, MINUTES * 60, 15_000, 9, settle_s=20)
    verdict = run(asked, tmp_path, "1s", lambda _share, _what: None)
    assert len(verdict.faults) == 9
    assert verdict.failures == ()
