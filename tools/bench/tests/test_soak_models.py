"""What a soak of models says, and that it runs."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from realtime_bench.soak_models.verdict import Phase, grown, judged, told

CALM = Phase(600.0, 10_000.0, 20_000, 1.0, 4.0, 0, 0, 4, ())
BUSY = Phase(1_800.0, 10_000.0, 60_000, 1.0, 4.3, 300, 0, 10, tuple([500.0] * 36 + [520.0] * 36))


def test_what_is_flat_and_as_fast_holds() -> None:
    report = judged(CALM, BUSY, 10_000)
    assert report.failures == ()
    assert told(report).endswith("all holds")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p99_ms": 4.5}, "the 99th percentile is 1.12 times that without: 4.50 ms, not 4.00"),
        ({"candidates": 9}, "9 candidates spoke, not 10"),
        ({"failed": 2}, "2 trainings failed"),
        ({"trainings": 0}, "nothing was trained meanwhile"),
        ({"rate": 9_000.0}, "with candidates 9,000 trades/s came through"),
        ({"memory_mib": tuple(range(400, 760, 5))}, "memory grew to 1.43 times what it was"),
    ],
)
def test_each_promise_that_does_not_hold_is_named(change: dict[str, object], said: str) -> None:
    assert judged(CALM, msgspec.structs.replace(BUSY, **change), 10_000).failures == (said,)


def test_a_short_one_says_nothing_of_memory() -> None:
    assert grown((500.0,) * 35) is None
    assert "too short to say" in told(judged(CALM, msgspec.structs.replace(BUSY, memory_mib=()), 1))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_half_a_minute_of_it_runs_with_ten_candidates() -> None:
    """Whether a loaded machine keeps up is not asked here, and so neither is the exit code."""
    asked = ["--minutes", "0.5", "--rate", "200", "--markets", "2", "--retrain-every", "10"]
    command = [sys.executable, "-m", "realtime_bench.soak_models", "--json", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    report = json.loads(done.stdout)
    assert report["without"]["candidates"] >= 3
    assert report["with_candidates"]["candidates"] >= 8  # learners of before are to come
    assert report["with_candidates"]["failed"] == 0
    assert report["with_candidates"]["memory_mib"]
