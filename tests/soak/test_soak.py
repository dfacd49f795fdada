"""Every kind of fault once, in two minutes; `REALTIME_SOAK_SEEDS="7 8"` chooses the seeds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realtime_bench.soak.course import SYMBOLS, Soak, run
from realtime_bench.soak.verdict import told

SEEDS = [int(seed) for seed in os.environ.get("REALTIME_SOAK_SEEDS", "1").split()]
FRESH_S = 30.0  # other tests run beside it: alone on a machine it takes a third of that


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_wrong_or_needlessly_incomplete(seed: int, tmp_path: Path) -> None:
    asked = Soak(
        seed=seed,
        trades=18_000,
        trades_per_second=300,
        times=1,
        symbols=SYMBOLS[:4],
        settle_s=20,
        fresh_within_s=FRESH_S,
    )
    verdict = run(asked, tmp_path, lambda _share, _what: None)
    assert verdict.failures == (), told(verdict)
