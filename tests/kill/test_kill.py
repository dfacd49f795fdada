"""Killed at any time, it starts again as if it had been stopped, and predicts soon.

`make test` kills three times; `pytest -m load tests/kill` at random times before and after fifteen
starts, or as many as `REALTIME_KILLS` says, and prints how soon predictions came.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .world import World, exchange_and_folder, kill_at_random

SOON_S = 10.0
SEED = 1
STARTS = int(os.environ.get("REALTIME_KILLS", "15"))
SHARED = 6.0  # a start waits for processors mostly, and `make test` runs two tests at once


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with exchange_and_folder(tmp_path) as world:
        yield world


def assert_nothing_is_unusable(world: World) -> None:
    """Every line said is a log line, none an error; and the registry registers."""
    for line in filter(None, world.said):  # Ctrl-C before the start has got far ends a line
        assert json.loads(line)["level"] in {"INFO", "WARNING"}, line
    assert not [line for line in world.said if "registry" in line and "failed" in line]
    with closing(sqlite3.connect(world.folder / "state" / "mlflow.sqlite")) as connection:
        (versions,) = connection.execute("SELECT count(*) FROM model_versions").fetchone()
    assert versions > 0
    assert not list((world.folder / "state").rglob("*unusable*"))


@pytest.mark.timeout(180)
def test_three_kills_leave_nothing_unusable_and_predictions_come_soon(world: World) -> None:
    world.start(lived_s=4.0, fresh=False)  # while tables are made and the history is read
    world.start(lived_s=0.5, fresh=True)  # while it trains
    took_s = world.start(lived_s=0.0, fresh=True)
    assert world.start_and_stop(2.0) in {0, 130}
    assert_nothing_is_unusable(world)
    assert took_s is not None
    assert took_s < SHARED * SOON_S


@pytest.mark.load
@pytest.mark.timeout(3_600)
def test_kills_at_random_times_leave_nothing_unusable_and_predictions_come_soon(
    world: World,
) -> None:
    world.start(lived_s=3.0, fresh=True)
    took = sorted(kill_at_random(world, STARTS, SEED, earliest_s=0.2))
    assert_nothing_is_unusable(world)
    shown = ", ".join(f"{each:.1f}" for each in took)
    sys.stdout.write(f"seconds to fresh predictions: {shown}\n")
    assert took[-1] <= SOON_S
