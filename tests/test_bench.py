"""`realtime bench`: what it prints, and that what it measures is what it says."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from marketstream.messages import Prediction
from marketstream.topics import CANDLES, OUTCOMES, PREDICTIONS
from realtime_training.bench.catalogue import BENCHMARKS
from realtime_training.bench.figures import Measured, percentile, summary
from realtime_training.bench.load import (
    HORIZONS,
    SYMBOLS,
    Load,
    fixed_models,
    make_intake,
    make_load,
    make_pipeline,
    play,
)
from realtime_training.settings import load_all

TWO = SYMBOLS[:2]


@pytest.fixture(scope="module")
def load() -> Load:
    return make_load(TWO, 300, 20)


def realtime(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "bench", *arguments],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def test_the_command_prints_benchmark_figure_and_number_and_how_they_came_about() -> None:
    done = realtime("replay", "--quick", "--runs", "2", "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert set(result) == {"replay", "meta"}
    assert set(result["replay"]) == {
        "trades_per_second",
        "decode_only_per_second",
        "sparse_trades_per_second",
    }
    assert all(number > 0 for number in result["replay"].values())
    assert result["replay"]["decode_only_per_second"] > result["replay"]["trades_per_second"]
    meta = result["meta"]
    assert meta["command"] == "realtime bench replay --runs 2 --quick"
    assert {"cpu", "cores", "memory_gib", "system", "load_1m"} == set(meta["machine"])
    assert meta["versions"]["python"].startswith("3.")
    spread = meta["spread"]["replay"]["trades_per_second"]
    assert spread["min"] <= spread["median"] <= spread["max"]
    assert spread["runs"] == 2
    assert meta["conditions"]["replay"]["markets"] == 10
    assert "run 2 of 2" in done.stderr


def test_a_benchmark_that_does_not_exist_is_refused_by_name() -> None:
    done = realtime("nonsense")
    assert done.returncode == 2
    assert "'replay', 'live', 'start'" in done.stderr
    assert list(BENCHMARKS) == ["replay", "live", "start"]


def test_the_load_has_every_trade_in_order_and_quotes_among_them(load: Load) -> None:
    intake = make_intake(load, None)
    play(load, intake)
    counts = intake.counts()
    assert counts.trades == pytest.approx(2 * 300 * 20, rel=0.1)
    assert counts.quotes == pytest.approx(2 * 27 * 20, rel=0.3)
    assert counts.trades + counts.quotes == counts.frames == load.frames
    assert (counts.gaps, counts.duplicates, counts.dead_letters, counts.ignored) == (0, 0, 0, 0)
    received = [read.received_ns for read in load.reads]
    assert received == sorted(received)


def test_the_fixed_model_predicts_every_horizon_of_every_market_with_trees(load: Load) -> None:
    settings = load_all()
    models = fixed_models(settings, seconds=150)
    pipeline = make_pipeline(load, settings)
    for market in load.markets:
        pipeline.predictor(market).install(models)
    predictions: list[Prediction] = []
    counts: Counter[str] = Counter()
    pipeline.runner.tap(PREDICTIONS, lambda one, _ns: predictions.append(one))
    pipeline.runner.tap(OUTCOMES, lambda _one, _ns: counts.update(["outcomes"]))
    pipeline.runner.tap(CANDLES, lambda one, _ns: counts.update([one.timeframe]))
    play(load, make_intake(load, pipeline))
    assert {p.model_name for p in predictions} == {"lightgbm"}
    made = Counter((p.market, p.horizon_ms) for p in predictions)
    assert set(made) == {(m, 1_000 * h) for m in load.markets for h in HORIZONS}
    assert set(made.values()) == {19}
    assert counts["1s"] == 2 * 19
    assert counts["250ms"] >= 2 * 79
    assert counts["outcomes"] == sum(2 * (19 - h) for h in HORIZONS)


def test_figures_are_medians_and_the_spread_is_kept() -> None:
    measured = Measured({"rate": [3.0, 1.0, 2.0], "none": []}, {"markets": 1})
    result = summary({"replay": measured}, "realtime bench replay")
    assert result["replay"] == {"rate": 2.0}
    assert result["meta"]["spread"]["replay"] == {
        "rate": {"median": 2.0, "min": 1.0, "max": 3.0, "runs": 3}
    }
    assert json.loads(msgspec.json.encode(result)) == result


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values[:10], 0.99) == 10
    assert percentile([7.0], 0.5) == 7


def test_the_frames_are_the_same_every_time(load: Load) -> None:
    again = make_load(TWO, 300, 20)
    assert again.reads == load.reads
    assert replace(again, reads=()) == replace(load, reads=())
