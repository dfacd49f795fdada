"""`realtime evaluate`: skill is found where there is some, and none where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketstream.errors import InputError
from realtime_bench.load import make_load
from realtime_training.commands.evaluate.command import evaluate
from realtime_training.commands.evaluate.work import (
    Wanted,
    draw,
    evaluate_all,
    settings_for,
    summary,
)
from realtime_training.datasets import Recorded, load_files
from realtime_training.settings import load_all
from realtime_training.testing import realtime

SETTINGS = load_all()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of a simulated market whose book knows a little of what comes."""
    path = tmp_path_factory.mktemp("frames") / "recorded.gz"
    return make_load(("BTC/USDT",), 20, 600).record(path)


@pytest.fixture(scope="module")
def quoted(frames: Path) -> Recorded:
    return load_files([frames], SETTINGS, frames.parent, symbol="BTC/USDT")


@pytest.fixture(scope="module")
def random_walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of trades at the bid or the ask, 5 bp apart, of a price that nothing foretells."""
    random = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("walk") / "trades.csv"
    size = 20_000
    times_ms = 1_704_067_200_000 + np.sort(random.integers(0, 3_600_000, size))
    mid = 100 * np.exp(np.cumsum(random.normal(0, 4e-5, size)))
    buys = random.random(size) < 0.5
    prices = mid * np.where(buys, 1 + 2.5e-4, 1 - 2.5e-4)
    quantities = random.lognormal(size=size)
    sides = np.where(buys, "buy", "sell")
    with path.open("w") as file:
        file.write("time,price,quantity,side\n")
        for row in zip(times_ms, prices, quantities, sides, strict=True):
            file.write("{},{:.4f},{:.4f},{}\n".format(*row))
    return path


def test_json_says_for_each_model_and_horizon_how_good_it_is_and_on_what(frames: Path) -> None:
    done = realtime(
        "evaluate", frames, "--symbol", "BTC/USDT", "--horizon", "1", "--horizon", "2",
        "--model", "logistic", "--latency", "250", "--cost-bps", "0.5", "--folds", "2",
        "--state", frames.parent / "of the command", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert (result["symbol"], result["timeframe"], result["label"]) == ("BTC/USDT", "1s", "mid")
    assert (result["latency_ms"], result["cached"]) == (250, False)
    figures = result["models"]["logistic"]
    assert list(figures) == ["1", "2"]
    one = figures["1"]
    assert one["horizon_ms"] == 1_000
    assert one["low"] < one["accuracy"] < one["high"]
    assert 0 < one["effective"] <= one["moved"] < one["rows"]
    assert [top["share"] for top in one["top"]] == [0.5, 0.2, 0.1, 0.05]
    assert {"majority", "persistence", "reversal"} == set(one["baselines"])
    assert {"imbalance_calibrated", "imbalance_sign", "logistic_five"} == set(one["references"])
    assert one["net_bps"] == pytest.approx(one["gross_bps"] - one["spread_bps"] - 0.5)
    assert len(one["folds"]) == 2
    assert one["verdict"] in ("skill", "no skill", "too little data")
    for name in (
        "flat_share", "accuracy_all", "log_loss", "brier", "calibration_error", "seconds", "trials",
    ):  # fmt: skip
        assert one[name] is not None


def test_without_json_there_is_a_table_with_the_label_and_the_verdict_in_words(
    frames: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--symbol", "BTC/USDT", "--horizon", "2", "--model", "logistic", "--folds", "2"]
    evaluate.main([str(frames), *options, "--state", str(frames.parent)], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "label: mid (the middle of the book), 0 ms after the close" in printed
    for part in ("accuracy", "95 % interval", "imbalance sign", "persistence", "calibration error"):
        assert part in printed
    assert "logistic 2 s: " in printed
    assert "1 trial" in printed


def test_skill_that_is_there_is_found_and_lateness_costs_some_of_it(quoted: Recorded) -> None:
    prompt, late = (
        evaluate_all(quoted, Wanted((2,), ("logistic",), latency_ms=ms), SETTINGS.predictor)[0]
        for ms in (0, 1_000)
    )
    assert prompt.evaluation.verdict == "skill"
    assert prompt.evaluation.score is not None
    assert late.evaluation.score is not None
    assert prompt.evaluation.score.accuracy is not None
    assert late.evaluation.score.accuracy is not None
    assert prompt.evaluation.score.accuracy > late.evaluation.score.accuracy


@pytest.mark.parametrize("model", ["logistic", "lightgbm"])
def test_random_walk_reads_one_half_by_the_fair_mid_and_looks_like_skill_by_the_close(
    random_walk: Path, model: Any
) -> None:
    data = load_files([random_walk], SETTINGS, random_walk.parent)
    assert data.label == "fair"
    [honest] = evaluate_all(data, Wanted((5,), (model,), folds=2), SETTINGS.predictor)
    score = honest.evaluation.score
    assert honest.evaluation.verdict == "no skill"
    assert score is not None
    assert score.low is not None
    assert score.high is not None
    assert score.low <= 0.5 <= score.high
    by_close = Wanted((5,), (model,), folds=2, label="close")
    [bouncing] = evaluate_all(data, by_close, SETTINGS.predictor)
    assert bouncing.evaluation.score is not None
    assert bouncing.evaluation.score.low is not None
    assert bouncing.evaluation.score.low > 0.58


def test_a_label_that_the_data_do_not_allow_is_refused(random_walk: Path) -> None:
    data = load_files([random_walk], SETTINGS, random_walk.parent)
    with pytest.raises(InputError, match="label mid: these data have no such prices"):
        evaluate_all(data, Wanted((5,), ("logistic",), label="mid"), SETTINGS.predictor)


def test_tuning_counts_its_trials_and_what_it_found_is_said(quoted: Recorded) -> None:
    few = SETTINGS.predictor.tuning.model_copy(update={"trials": 3})
    settings = SETTINGS.predictor.model_copy(update={"tuning": few})
    wanted = Wanted((2,), ("logistic",), folds=2, tune_s=20)
    told: list[str] = []
    results = evaluate_all(
        quoted, wanted, settings, advanced=lambda what, _done, _of: told.append(what)
    )
    figures = summary(quoted, wanted, results)["models"]["logistic"]["2"]
    assert figures["trials"] == 3
    assert set(figures["hyperparameters"]) == {"C"}
    assert told == ["tuning logistic 2 x 1s"] * 3 + ["logistic 2 x 1s"] * 2


def test_another_learner_than_the_configured_one_has_its_own_defaults(quoted: Recorded) -> None:
    settings = settings_for(quoted, "xgboost", SETTINGS.predictor, folds=3)
    assert (settings.model.type, settings.model.hyperparameters) == ("xgboost", {})
    assert settings.training.folds == 3
    configured = settings_for(quoted, "lightgbm", SETTINGS.predictor)
    assert configured.model == SETTINGS.predictor.model


def test_pictures_are_drawn_one_for_each_model_and_horizon(
    quoted: Recorded, tmp_path: Path
) -> None:
    wanted = Wanted((1, 600), ("logistic",), folds=2)
    results = evaluate_all(quoted, wanted, SETTINGS.predictor)
    assert [each.rows is None for each in results] == [False, True]
    [path] = draw(quoted, wanted, results, tmp_path / "pictures")
    assert path.name == "logistic-1x1s.svg"
    drawn = path.read_text()
    for title in ("Calibration", "Accuracy against coverage", "Gross and net", "Importance"):
        assert title in drawn
    assert draw(quoted, wanted, results, tmp_path / "again")[0].read_text() == drawn


@pytest.mark.data
def test_recorded_quotes_say_where_the_price_is_a_second_later(
    market_data: Path, tmp_path: Path
) -> None:
    files = [
        market_data / "trades" / f"binance-spot-BTCUSDT-{day}.frames.gz"
        for day in ("20240808", "20240809")
    ]
    data = load_files(files, SETTINGS, tmp_path, symbol="BTC/USDT", timeframe="250ms")
    results = evaluate_all(data, Wanted((4, 8), ("logistic",)), SETTINGS.predictor)
    accuracies = [
        score.accuracy or 0.0 for each in results if (score := each.evaluation.score) is not None
    ]
    assert accuracies[0] >= 0.70
    assert accuracies[1] >= 0.59
    assert {each.evaluation.verdict for each in results} == {"skill"}
