"""The whole line on real recorded trades: what it counts, how good it is, and that it repeats."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from marketstream.columns import FeatureTable
from marketstream.messages import Candle, Features, Message
from marketstream.topics import CANDLES, FEATURES, OUTCOMES, PREDICTIONS
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all
from realtime_training.testing import realtime
from technical_indicators.batch import feature_table

TRADES = 19_904
FILES = (
    "trades/binance-spot-BTCUSDT-20240808.frames.gz",
    "trades/binance-spot-BTCUSDT-20240809.frames.gz",
)

PERPETUAL = "binance-usdm:BTC/USDT:USDT"

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def recordings(market_data: Path) -> list[Path]:
    return [market_data / name for name in FILES]


@pytest.fixture(scope="module")
def perpetual(market_data: Path) -> Path:
    return market_data / "trades/binance-usdm-BTCUSDT-20240808.frames.gz"


class Watched:
    """A replay and every message it made."""

    def __init__(self, recordings: Sequence[Path], frames_per_read: int = 64) -> None:
        self.replay = Replay("BTC/USDT", "1s", (1, 2), load_all())
        self.messages: dict[str, list[Message]] = {}
        for topic in (CANDLES, FEATURES, PREDICTIONS, OUTCOMES):
            self.messages[topic.name] = []
            self.replay.pipeline.runner.tap(topic, partial(self._keep, topic.name))
        self.summary = self.replay.run(recordings, frames_per_read=frames_per_read)

    @property
    def candles(self) -> list[Candle]:
        """The last revision of each candle."""
        candles = [c for c in self.messages["candles"] if isinstance(c, Candle)]
        return list({candle.identity: candle for candle in candles}.values())

    def _keep(self, topic: str, message: Message, _received_ns: int) -> None:
        self.messages[topic].append(message)


@pytest.fixture(scope="module")
def watched(recordings: list[Path]) -> Watched:
    return Watched(recordings)


def test_the_recording_is_read_without_loss(watched: Watched) -> None:
    summary = watched.summary
    assert summary["trades"] == TRADES
    assert summary["quotes"] == 73_174
    assert summary["dead_letters"] == 0
    assert summary["missing"] == 0
    assert summary["duplicates"] == 0
    assert summary["ignored"] == 6_496  # depth updates nobody asked for
    assert summary["candles"] == summary["features"] == 650
    candles = watched.candles
    # What the last open second holds is not closed yet, and nothing came late.
    assert TRADES - 60 < sum(c.trade_count for c in candles if c.timeframe == "1s") <= TRADES
    unknown = [c for c in candles[5:] if not c.complete]
    assert all(c.close_time_ms > candles[-1].close_time_ms - 1_000 for c in unknown)


def test_predictions_are_as_good_as_was_measured_before(watched: Watched) -> None:
    one, two = watched.summary["horizons"]["1"], watched.summary["horizons"]["2"]
    assert one["accuracy"] >= 0.68
    assert two["accuracy"] >= 0.60
    for score in (one, two):
        assert score["predictions"] >= 500
        assert score["low"] < score["accuracy"] < score["high"]
        assert set(score["baselines"]) == {"majority", "persistence", "reversal"}
        assert set(score["references"]) == {
            "imbalance_calibrated",
            "imbalance_sign",
            "logistic_five",
            "lightgbm",  # the learner, which the average is made of too
        }
        assert score["references"]["imbalance_sign"] > 0.6
        assert score["accuracy_all"] < score["accuracy"]
    assert one["outcomes"] == one["predictions"] - 1  # the last one's moment is still to come


def test_two_replays_give_identical_messages(watched: Watched, recordings: list[Path]) -> None:
    assert Watched(recordings).messages == watched.messages


@pytest.mark.parametrize("frames_per_read", [1, 1_000])
def test_other_batch_sizes_give_the_same_messages(
    watched: Watched, recordings: list[Path], frames_per_read: int
) -> None:
    again = Watched(recordings, frames_per_read)
    assert again.messages["candles"] == watched.messages["candles"]
    assert again.messages == watched.messages


def test_features_streamed_equal_features_in_batch_bit_for_bit(watched: Watched) -> None:
    candles = watched.candles
    feature_set = watched.replay.pipeline.feature_set
    in_batch = feature_table(
        [c for c in candles if c.timeframe == "1s"],
        [c for c in candles if c.timeframe == "250ms"],
        feature_set,
    )
    streamed = [f for f in watched.messages["technical_indicators"] if isinstance(f, Features)]
    live = FeatureTable.of([f for f in streamed if f.timeframe == "1s"])
    assert live.names == in_batch.names
    for column, name in enumerate(live.names):
        np.testing.assert_array_equal(
            live.values[:, column], in_batch.values[:, column], err_msg=name, strict=True
        )
    assert np.isfinite(live.values[60:]).all()


def test_what_comes_later_changes_nothing_that_was_said_before(
    watched: Watched, recordings: list[Path]
) -> None:
    first_file_only = Watched(recordings[:1])
    for topic, messages in first_file_only.messages.items():
        assert messages == watched.messages[topic][: len(messages)]
        assert len(messages) > 100


def test_the_command_takes_a_recording_of_another_market(
    recordings: list[Path], perpetual: Path
) -> None:
    done = realtime("replay", str(recordings[0]), "--symbol", "BTC/USDT", "--horizon", "1",
                    "--beside", PERPETUAL, str(perpetual), "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    beside = summary["beside"][PERPETUAL]
    assert (summary["trades"], beside["trades"]) == (9_757, 21_313)
    assert (summary["candles"], beside["candles"]) == (346, 344)
    assert beside["missing"] == beside["dead_letters"] == 0
    assert set(beside["horizons"]) == {"1"}
    assert beside["horizons"]["1"]["predictions"] > 100


@pytest.mark.parametrize(
    ("market", "said"),
    [
        ("mtgox:BTC/USDT", "'mtgox' is not an exchange we know"),
        ("BTC/USDT", "is not a market: write it like"),
        ("binance:BTC/USDT", "is the market of FILES"),
        ("binance-usdm:BTC/USDT", "is no perpetual of binance-usdm"),
    ],
)
def test_a_market_that_cannot_be_beside_is_an_error_that_says_why(
    recordings: list[Path], perpetual: Path, market: str, said: str
) -> None:
    done = realtime("replay", str(recordings[0]), "--symbol", "BTC/USDT", "--beside", market,
                    str(perpetual))  # fmt: skip
    assert done.returncode in (2, 3)
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_command_prints_one_json_object(recordings: list[Path]) -> None:
    done = realtime("replay", *map(str, recordings), "--symbol", "BTC/USDT", "--timeframe", "1s",
                    "--horizon", "1", "--horizon", "2", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["trades"] == TRADES
    assert set(summary["horizons"]) == {"1", "2"}
    assert summary["trades_per_second"] > 0


def test_a_symbol_that_is_not_recorded_is_an_input_error(recordings: list[Path]) -> None:
    done = realtime("replay", str(recordings[0]), "--symbol", "FOO/BAR")
    assert done.returncode == 3
    assert "no trades of FOO/BAR" in done.stderr
    assert "Traceback" not in done.stderr
