"""`realtime evaluate --ablate`: every feature has its family, and each is left out in turn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from predictor.settings import DEFAULT_FEATURES
from realtime_bench.load import make_load
from realtime_training.commands.evaluate.ablation_work import (
    LATENCIES_MS,
    families_of,
    family_of,
    known_of,
    latencies_of,
    settings_of,
)
from realtime_training.commands.evaluate.work import Wanted
from realtime_training.datasets import load_files
from realtime_training.settings import load_all
from realtime_training.testing import realtime
from technical_indicators.feature_set import FeatureSet

SETTINGS = load_all()
START_MS = 1_704_067_200_000
WANTED = Wanted((1,), ("logistic",))
BESIDE = [("binance-usdm:BTC/USDT:USDT", Path("perpetual.frames.gz"))]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of a simulated market whose book knows a little of what comes."""
    path = tmp_path_factory.mktemp("frames") / "recorded.gz"
    return make_load(("BTC/USDT",), 20, 240).record(path)


def test_json_says_of_each_latency_what_each_family_adds_on_the_same_rows(frames: Path) -> None:
    done = realtime(
        "evaluate", frames, "--symbol", "BTC/USDT", "--model", "logistic", "--horizon", "1",
        "--folds", "1", "--ablate", "--json", "--state", frames.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["base_ms"] == 50
    assert [each["latency_ms"] for each in said["ablations"]] == list(LATENCIES_MS)
    families = said["families"]
    assert list(families) == ["book, queues", "book, best", "flow", "price", "indicators"]
    assert "levels of the book" in said["features_not_used"]["book_slope_10"]
    for each in said["ablations"]:
        ablation: dict[str, Any] = each["ablation"]
        assert ablation["rows"] > 30
        assert {one["name"]: one["features"] for one in ablation["families"]} == families
        for family in ablation["families"]:
            assert family["points"]["mean"] == pytest.approx(
                ablation["accuracy"] - family["accuracy"]
            )


def test_without_json_there_is_a_table(frames: Path) -> None:
    done = realtime(
        "evaluate", frames, "--symbol", "BTC/USDT", "--model", "logistic", "--horizon", "1",
        "--folds", "1", "--ablate", "--latency", "250", "--state", frames.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "logistic, 1 s ahead" in done.stdout
    assert "250 ms" in done.stdout
    assert "100 ms" not in done.stdout
    assert "book, best" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "range"), "--target range with --ablate"),
        (("--tune", "5s", "--cost-bps", "1"), "--cost-bps and --tune with --ablate"),
        (("--label", "close"), "--label close with --ablate"),
    ],
)
def test_what_says_nothing_of_families_is_refused(
    frames: Path, options: tuple[str, ...], said: str
) -> None:
    done = realtime("evaluate", frames, "--symbol", "BTC/USDT", "--ablate", *options)
    assert done.returncode == 2
    assert said in done.stderr


def test_every_feature_that_is_computed_beside_has_the_name_that_models_are_told(
    frames: Path,
) -> None:
    settings = settings_of(SETTINGS, [frames], BESIDE)
    computed = FeatureSet("250ms", "50ms", settings.features, {"g": ("a:A/B", "b:A/B")}).names
    used = settings.predictor.features
    assert set(used) <= set(computed)
    assert len(used) == len(set(used)) == len(DEFAULT_FEATURES) + 15 + 11
    families = {family_of(name) for name in used}
    assert families == {
        "other markets", "book, levels", "book, queues", "book, best", "flow", "price",
        "indicators",
    }  # fmt: skip


def test_what_is_of_other_timeframes_is_a_family_and_spans_are_not() -> None:
    others = ("rsi_14_1m", "candle_age_1m", "willr_14_250ms", "roc_1_15m")
    assert {family_of(name) for name in others} == {"other timeframes"}
    assert family_of("rsi_14") == "indicators"
    assert family_of("return_10s") == "price"
    assert family_of("flow_900s") == "flow"


def test_features_that_somebody_configured_are_those_that_are_left_out(frames: Path) -> None:
    predictor = SETTINGS.predictor.model_copy(update={"features": ["imbalance", "rsi_14"]})
    configured = replace(SETTINGS, predictor=predictor)
    settings = settings_of(configured, [frames], BESIDE)
    assert settings.predictor.features == ["imbalance", "rsi_14"]
    assert settings.features == configured.features


def test_candles_keep_what_stands_in_and_latencies_that_are_the_same_are_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    rows = [
        f"{START_MS + 60_000 * number},1,{2 + number % 3},1,{1 + number % 2},{number % 7}\n"
        for number in range(700)
    ]
    path.write_text("open_time,open,high,low,close,volume\n" + "".join(rows))
    settings = settings_of(SETTINGS, [path], [])
    assert settings is SETTINGS
    data = known_of(load_files([path], settings, tmp_path))
    assert latencies_of(data, WANTED) == (0, 100)
    assert latencies_of(data, replace(WANTED, latency_ms=250)) == (250,)
    assert set(families_of(data)) <= {"price", "flow", "indicators"}
    assert sum(map(len, families_of(data).values())) == len(data.used)
