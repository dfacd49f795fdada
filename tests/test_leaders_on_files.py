"""A market and its leader from recordings and from the store: what is learnt of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from candles.stage import candles_stage
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.columns import FeatureTable
from marketstream.errors import InputError, SettingsError
from marketstream.messages import Candle, Features
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.store.sql import open_store
from marketstream.symbols import split_market
from marketstream.topics import CANDLES, FEATURES
from realtime_bench.load import make_load
from realtime_training.commands.leakcheck import sample as leakcheck_sample
from realtime_training.commands.leakcheck.sample import read_sample
from realtime_training.commands.leakcheck.work import check_leaks
from realtime_training.datasets import load_files
from realtime_training.datasets.stored import read_store
from realtime_training.settings import Settings, load_all
from technical_indicators.batch import feature_table
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.stage import technical_indicators_stage

OWN, LEADER = "binance:BTC/USDT", "binance:ETH/USDT"
START_US = 1_704_067_200_000_000
NAMES = ("leader_return_1", "leader_flow_1", "leader_basis", "leader_imbalance")


def settings() -> Settings:
    found = load_all()
    indicators: list[str | dict[str, dict[str, int | float]]] = [
        {"leader_return": {"seconds": 1}}, {"leader_flow": {"seconds": 1}},
        "leader_basis", "leader_imbalance",
    ]  # fmt: skip
    predictor = found.predictor.model_copy(update={"features": ["imbalance", *NAMES]})
    features = FeatureSettings(indicators=indicators, spans=["1s"])
    return replace(found, features=features, predictor=predictor)


def write_frames(path: Path, symbol: str, seconds: float = 40) -> Path:
    return make_load((symbol,), 200, seconds).record(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("frames")
    return write_frames(folder / "btc", "BTC/USDT"), write_frames(folder / "eth", "ETH/USDT")


def test_frames_beside_are_looked_at_and_without_them_their_features_are_left_out(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    own, other = files
    led = load_files([own], settings(), tmp_path, symbol="BTC/USDT", beside=[(LEADER, other)])
    assert led.used == ("imbalance", *NAMES)
    assert np.isfinite(led.table.columns(NAMES)[5:]).mean() > 0.9
    alone = load_files([own], settings(), tmp_path, symbol="BTC/USDT")
    assert not alone.cached
    assert alone.used == ("imbalance",)
    assert set(alone.unused) == set(NAMES)
    assert "--beside" in alone.unused["leader_basis"]
    again = load_files([own], settings(), tmp_path, symbol="BTC/USDT", beside=[(LEADER, other)])
    assert again.cached
    assert again.feature_set == led.feature_set != alone.feature_set


def test_markets_beside_that_make_no_sense_are_refused(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    own, other = files
    with pytest.raises(SettingsError, match="is the market of FILES"):
        load_files([own], settings(), tmp_path, symbol="BTC/USDT", beside=[(OWN, other)])
    with pytest.raises(InputError, match=r"no trades of SOL/USDT in .*eth"):
        load_files(
            [own], settings(), tmp_path, symbol="BTC/USDT", beside=[("binance:SOL/USDT", other)]
        )
    candles = tmp_path / "candles.csv"
    candles.write_text("open_time,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n")
    with pytest.raises(SettingsError, match="--beside takes recorded frames: FILES are candles"):
        load_files([candles], settings(), tmp_path, beside=[(LEADER, other)])


def test_nothing_leaks_of_a_leader(files: tuple[Path, Path]) -> None:
    own, other = files
    found = read_sample([own], settings(), symbol="BTC/USDT", beside=[(LEADER, other)])
    assert np.isfinite(found.features(found.series).columns(NAMES)[5:]).mean() > 0.9
    summary = check_leaks(found, (1,), settings())
    assert [check["leaks"] for check in summary["checks"] if check["leaks"]] == []


def test_a_join_that_looks_ahead_is_named(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ahead(
        candles: Sequence[Candle], base: Sequence[Candle], feature_set: FeatureSet,
        leaders: Sequence[Sequence[Candle]], beside: Sequence[Sequence[Candle]],
    ) -> FeatureTable:  # fmt: skip
        """Join each close with the leader's next one."""
        moved = [
            [
                msgspec.structs.replace(
                    one, open_time_ms=one.open_time_ms - 250, close_time_ms=one.close_time_ms - 250
                )
                for one in leader
            ]
            for leader in leaders
        ]
        return feature_table(candles, base, feature_set, moved, beside)

    own, other = files
    monkeypatch.setattr(leakcheck_sample, "feature_table", ahead)
    found = read_sample([own], settings(), symbol="BTC/USDT", beside=[(LEADER, other)])
    summary = check_leaks(found, (1,), settings())
    named = {
        check["check"]: {leak["feature"] for leak in check["leaks"]}
        for check in summary["checks"]
        if check["leaks"]
    }
    assert named == {"truncation": set(NAMES), "streaming": set(NAMES)}


def test_what_is_learnt_of_stored_candles_is_what_was_streamed(tmp_path: Path) -> None:
    found = settings()
    plan = Plan((OWN, LEADER), "1s", (1,), groups={"majors": (OWN, LEADER)})
    found = replace(
        found,
        plan=found.plan.model_copy(update={"groups": {"majors": [OWN, LEADER]}}),
    )
    feature_set = feature_set_of(plan, found.features)
    runner = InProcessRunner(
        [candles_stage(plan.candle_timeframes), technical_indicators_stage(feature_set, plan)]
    )
    candles: list[Candle] = []
    vectors: list[Features] = []
    runner.tap(CANDLES, lambda candle, _ns: candles.append(candle))
    runner.tap(FEATURES, lambda features, _ns: vectors.append(features))
    tapes = {market: SeededMarket(split_market(market)[1], 7) for market in plan.markets}
    told = [
        trades_messages(tape, market, START_US, START_US + 30_000_000)
        for market, tape in tapes.items()
    ]
    for messages in zip(*told, strict=True):
        for message in messages:
            runner.publish(message)
    store = open_store(f"sqlite:///{tmp_path / 'candles.sqlite'}")
    try:
        store.write(candles)
        for market in plan.markets:
            stored = read_store(store, market, "1s", found)
            live = [each for each in vectors if each.values and each.market == market]
            assert stored.feature_set == feature_set.version
            np.testing.assert_array_equal(
                stored.table.columns(NAMES), FeatureTable.of(live).columns(NAMES)
            )
            assert np.isfinite(stored.table.columns(NAMES)[-1]).all()
    finally:
        store.close()
