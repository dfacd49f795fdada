"""Candles of other timeframes in what is learnt of files and the store, and what leaks of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from candles.stage import candles_stage
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.columns import FeatureTable
from marketstream.errors import SettingsError
from marketstream.explanation import Explanation, Moments
from marketstream.messages import Candle, Features, Prediction
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.runners.in_process import InProcessRunner
from marketstream.store.sql import open_store
from marketstream.topics import CANDLES, FEATURES
from realtime_bench.load import make_load
from realtime_training.commands.explain.rebuilding import rebuild_features
from realtime_training.commands.leakcheck import sample as leakcheck_sample
from realtime_training.commands.leakcheck.sample import Sample, read_sample
from realtime_training.commands.leakcheck.work import check_leaks
from realtime_training.datasets import load_files
from realtime_training.datasets.stored import read_store
from realtime_training.recall import recall_candles
from realtime_training.settings import Settings, load_all
from technical_indicators.batch import feature_table
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage

MARKET = "binance:BTC/USDT"
START_US = 1_704_067_200_000_000
NAMES = ("roc_1_250ms", "roc_1_2s", "natr_2_2s", "roc_1_5s", "candle_age_5s")


def settings() -> Settings:
    found = load_all()
    features = FeatureSettings(
        indicators=["BOP"],
        spans=["1s"],
        beside={
            "250ms": [{"ROC": {"timeperiod": 1}}],
            "2s": [{"ROC": {"timeperiod": 1}}, {"NATR": {"timeperiod": 2}}],
            "5s": [{"ROC": {"timeperiod": 1}}],
        },
    )
    predictor = found.predictor.model_copy(update={"features": ["imbalance", *NAMES]})
    return replace(found, features=features, predictor=predictor)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_load(("BTC/USDT",), 200, 120).record(tmp_path_factory.mktemp("frames") / "btc")


def test_candles_that_features_look_at_are_made() -> None:
    assert settings().timeframes == ("250ms", "1s", "2s", "5s")
    assert load_all().timeframes == ("250ms", "1s")
    finer = replace(settings(), features=FeatureSettings(beside={"50ms": ["RSI"]}))
    with pytest.raises(SettingsError, match="50ms is finer than the finest candles, 250ms"):
        _ = finer.timeframes


def test_models_use_them_on_recorded_frames(frames: Path, tmp_path: Path) -> None:
    found = load_files([frames], settings(), tmp_path, symbol="BTC/USDT")
    assert found.used == ("imbalance", *NAMES)
    assert np.isfinite(found.table.columns(NAMES)[20:]).all()


def test_of_candles_in_a_file_longer_ones_are_made_and_finer_ones_are_not_known(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(1)
    rows = [
        f"{1_704_067_200_000 + 1_000 * row},{p},{p + 1},{p - 1},{p + 0.5},1"
        for row, p in enumerate(np.round(100 + np.cumsum(rng.normal(0, 0.1, 300)), 2).tolist())
    ]
    file = tmp_path / "candles.csv"
    file.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]))
    found = load_files([file], settings(), tmp_path)
    assert np.isfinite(found.table.columns(["natr_2_2s", "roc_1_5s"])[20:]).all()
    assert np.isnan(found.table.columns(["roc_1_250ms"])).all()


def sample(frames: Path) -> Sample:
    return read_sample([frames], settings(), symbol="BTC/USDT")


def test_nothing_leaks_of_them(frames: Path) -> None:
    found = sample(frames)
    assert [one[0].timeframe for one in found.series.beside] == ["2s", "5s"]
    assert np.isfinite(found.features(found.series).columns(NAMES)[20:]).all()
    summary = check_leaks(found, (1,), settings())
    assert [check["leaks"] for check in summary["checks"] if check["leaks"]] == []


def test_a_join_that_looks_ahead_is_named(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(
        candles: Sequence[Candle], base: Sequence[Candle], feature_set: FeatureSet,
        leaders: Sequence[Sequence[Candle]], beside: Sequence[Sequence[Candle]],
    ) -> FeatureTable:  # fmt: skip
        """Join each decision with the candle that it lies in, as a join by open time does."""
        moved = [
            [msgspec.structs.replace(one, close_time_ms=one.open_time_ms) for one in series]
            for series in beside
        ]
        return feature_table(candles, base, feature_set, leaders, moved)

    monkeypatch.setattr(leakcheck_sample, "feature_table", ahead)
    summary = check_leaks(sample(frames), (1,), settings())
    named = {
        check["check"]: {leak["feature"] for leak in check["leaks"]}
        for check in summary["checks"]
        if check["leaks"]
    }
    looked = {"roc_1_2s", "natr_2_2s", "roc_1_5s"}
    assert named["truncation"] == looked
    assert looked <= named["streaming"] <= {*looked, "candle_age_2s", "candle_age_5s"}


def streamed(
    tmp_path: Path, until_s: int, found: Settings
) -> tuple[Plan, list[Candle], list[Features]]:
    """Return what a market's stages say of a simulated stretch."""
    plan = Plan((MARKET,), "1s", (1,), found.timeframes)
    feature_set = feature_set_of(plan, found.features)
    runner = InProcessRunner(
        [candles_stage(plan.candle_timeframes), technical_indicators_stage(feature_set, plan)]
    )
    candles: list[Candle] = []
    vectors: list[Features] = []
    runner.tap(CANDLES, lambda candle, _ns: candles.append(candle))
    runner.tap(FEATURES, lambda features, _ns: vectors.append(features))
    tape = SeededMarket("BTC/USDT", 7)
    for message in trades_messages(tape, MARKET, START_US, START_US + until_s * 1_000_000):
        runner.publish(message)
    return plan, candles, [each for each in vectors if each.values]


def told_of(features: Features) -> Explanation:
    """Return what the store would know of a prediction on a vector."""
    close_ms, version = features.close_time_ms, features.feature_set
    prediction = Prediction(
        MARKET, "1s", close_ms, 1_000, "champion", "logistic", "1", 0, 100.0, 100.0, 0.0, 100.0,
        0.4, 0.2, 0.4, 99.0, 101.0, 0.8, "up", None, {}, feature_set=version,
    )  # fmt: skip
    moments = Moments(close_ms, None, None, close_ms, close_ms + 1_000)
    return Explanation(
        prediction.id, prediction, None, moments, None, features, None, None, missing={}
    )


def test_what_is_learnt_of_stored_candles_is_what_was_streamed(tmp_path: Path) -> None:
    found = settings()
    _, candles, vectors = streamed(tmp_path, 60, found)
    store = open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")
    try:
        store.write(candles)
        stored = read_store(store, MARKET, "1s", found)
        for features in (vectors[-1], vectors[-5]):  # at a close of 5s, and between two
            rebuilt = rebuild_features(store, told_of(features), found)
            assert (rebuilt.equal, rebuilt.reason) == (True, None)
    finally:
        store.close()
    live = FeatureTable.of(vectors)
    assert stored.feature_set == vectors[0].feature_set
    np.testing.assert_array_equal(stored.table.columns(NAMES), live.columns(NAMES))
    assert np.isfinite(live.columns(NAMES)[-1]).all()


def test_a_start_recalls_them_and_makes_those_that_were_forming_as_a_whole(tmp_path: Path) -> None:
    found = settings()
    plan, candles, vectors = streamed(tmp_path, 63, found)
    feature_set = feature_set_of(plan, found.features)
    store = open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")
    store.write(candles)
    ports = InProcessPorts(Metrics(CollectorRegistry()), lambda: START_US * 1_000, tmp_path, store)
    ports.runner.add(candles_stage(plan.candle_timeframes))
    ports.runner.add(technical_indicators_stage(feature_set, plan))
    made: list[Features] = []
    again: list[Candle] = []
    ports.runner.tap(FEATURES, lambda features, _ns: made.append(features))
    from_ms = START_US // 1_000 + 40_000
    known = asyncio.run(recall_candles(plan, ports, [MARKET], from_ms, {"2s": 64, "5s": 64}))
    assert known[MARKET].time_us < START_US + 60_000_000
    ports.runner.tap(CANDLES, lambda candle, _ns: again.append(candle))
    tape = SeededMarket("BTC/USDT", 7)
    for message in trades_messages(tape, MARKET, START_US + 60_000_000, START_US + 70_000_000):
        ports.runner.publish(message)
    ports.close()
    store.close()
    recalled = {each.close_time_ms: each for each in made if each.values}
    first_ms = from_ms + 10_000
    assert min(recalled) == from_ms + 1_000
    for one in vectors:
        if first_ms <= one.close_time_ms <= START_US // 1_000 + 60_000:
            for name in NAMES:
                assert recalled[one.close_time_ms].values[name] == one.values[name], name
    _, unbroken, _ = streamed(tmp_path, 70, found)
    [whole] = [
        each for each in unbroken
        if each.timeframe == "5s" and each.open_time_ms == START_US // 1_000 + 60_000
        and each.revision == 0
    ]  # fmt: skip
    [remade] = [
        each for each in again
        if each.timeframe == "5s" and each.open_time_ms == whole.open_time_ms and each.revision == 0
    ]  # fmt: skip
    assert (remade.open, remade.high, remade.low, remade.close) == (
        whole.open, whole.high, whole.low, whole.close,
    )  # fmt: skip
    assert remade.volume == whole.volume
