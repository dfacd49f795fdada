"""`realtime bench`: what it prints, and that what it measures is what it says."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from marketstream.errors import RealtimeError
from marketstream.messages import Gap, Prediction, Trade, Trades
from marketstream.readers.table import TradeTable
from marketstream.topics import CANDLES, OUTCOMES, PREDICTIONS
from realtime_bench import NAMES
from realtime_bench.candles import bench_candles
from realtime_bench.catalogue import BENCHMARKS
from realtime_bench.figures import Effort, Measured, percentile, summary
from realtime_bench.ids import Ledger, Tally
from realtime_bench.load import (
    HORIZONS,
    SYMBOLS,
    Load,
    fixed_models,
    make_intake,
    make_load,
    make_pipeline,
    play,
)
from realtime_bench.peers import PEERS, Floats, Peer, Prepared
from realtime_bench.seeded_trades import SeededTrades
from realtime_bench.timing import process_cpu_s
from realtime_bench.watching import total, watch
from realtime_bench.workers import rate_together
from realtime_training.settings import load_all

TWO = SYMBOLS[:2]


@pytest.fixture(scope="module")
def load() -> Load:
    return make_load(TWO, 300, 20)


def realtime(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "bench", *arguments],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_the_command_prints_benchmark_figure_and_number_and_how_they_came_about() -> None:
    done = realtime("replay", "--quick", "--runs", "2", "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert set(result) == {"replay", "meta"}
    assert set(result["replay"]) == {
        "trades_per_second",
        "decode_only_per_second",
        "bare_decode_per_second",
        "sparse_trades_per_second",
    }
    assert all(number > 0 for number in result["replay"].values())
    meta = result["meta"]
    assert meta["command"] == "realtime bench replay --runs 2 --quick"
    assert {"cpu", "cores", "memory_gib", "system", "load_1m"} == set(meta["machine"])
    assert meta["versions"]["python"].startswith("3.")
    spread = meta["spread"]["replay"]["trades_per_second"]
    assert spread["min"] <= spread["median"] <= spread["max"]
    assert spread["runs"] == 2
    assert meta["conditions"]["replay"]["markets"] == 10
    assert "run 2 of 2" in done.stderr


def test_of_many_markets_that_one_process_follows_none_is_silent_and_no_trade_is_lost() -> None:
    done = realtime("symbols", "--quick", "--runs", "1", "--markets", "200", "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    found = result["symbols"]
    assert (found["lost"], found["doubled"], found["silent_markets"]) == (0, 0, 0)
    assert found["trades_per_second"] > 0
    assert found["most_mib"] > 0
    assert result["meta"]["conditions"]["symbols"]["markets"] == 50
    assert result["meta"]["command"] == "realtime bench symbols --runs 1 --markets 200 --quick"


@pytest.mark.kafka
def test_of_many_markets_on_kafka_none_is_lost_though_the_service_is_killed() -> None:
    done = realtime("symbols-kafka", "--quick", "--runs", "1", "--json", KAFKA_BROKER="")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["symbols-kafka"]
    assert (found["lost"], found["in_gaps"], found["silent_markets"]) == (0, 0, 0)
    assert found["trades_per_second"] > 0
    assert found["again_after_seconds"] > 0


def test_what_is_lost_doubled_or_declared_is_told_by_ids() -> None:
    def trades(*numbers: int) -> Trades:
        each = tuple(Trade(number, 1.0, 1.0, "buy", number) for number in numbers)
        return Trades("m", each, None, 0)

    ledger = Ledger()
    ledger.trades(trades(1, 2, 3, 10, 11, 20))
    ledger.trades(trades(11, 12, 13))
    ledger.gap(Gap("m", 4, 7, 0, 1, "open", None))
    ledger.gap(Gap("m", 6, 9, 0, 1, "open", None))
    assert ledger.tally(["m", "n"]) == Tally(
        trades=9, silent_markets=1, lost=1 + 6, in_gaps=5, doubled=1, stalls=0
    )


def test_a_benchmark_that_does_not_exist_is_refused_by_name() -> None:
    done = realtime("nonsense")
    assert done.returncode == 2
    assert "'replay', 'ingest', 'candles', 'live', 'start'" in done.stderr
    assert list(BENCHMARKS) == list(NAMES)


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
    assert {p.model_name for p in predictions} == {"average"}
    assert all(p.answers["lightgbm"] in ("up", "down") for p in predictions)
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


def test_the_figures_of_peers_are_apart_and_one_not_installed_has_none() -> None:
    measured = Measured({"rate": [5.0]}, {}, {"here": [1.0, 4.0, 2.0], "absent": []})
    result = summary({"candles": measured}, "realtime bench candles")
    assert result["candles"] == {"rate": 5.0, "peers": {"here": 2.0, "absent": None}}
    assert set(result["meta"]["spread"]["candles"]) == {"rate", "peers.here"}
    assert result["meta"]["spread"]["candles"]["peers.here"]["max"] == 4


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


def test_messages_hold_the_trades_of_the_table_with_a_quote_as_of_the_last() -> None:
    market = SeededTrades(40, 30)
    table, messages = market.table(), market.messages()
    trades = [trade for message in messages for trade in message.trades]
    assert table.ids is not None
    assert [trade.id for trade in trades] == table.ids.tolist()
    assert [trade.time_us for trade in trades] == table.time_us.tolist()
    assert [round(t.price * 10**table.price_decimals) for t in trades] == table.price.tolist()
    assert [1 if trade.taker == "buy" else -1 for trade in trades] == table.taker.tolist()
    assert {len(message.trades) for message in messages[:-1]} == {100}
    for message, following in pairwise(messages):
        assert message.quote is not None
        assert following.quote is not None
        assert message.quote.time_us <= message.seen_until_us == message.trades[-1].time_us
        assert message.quote.time_us < following.quote.time_us


def one_by_one(trades: TradeTable) -> list[list[int]]:
    candles: dict[int, list[int]] = {}
    for time_us, price, quantity in zip(
        trades.time_us.tolist(), trades.price.tolist(), trades.quantity.tolist(), strict=True
    ):
        opened_ms = time_us // 60_000_000 * 60_000
        candle = candles.setdefault(opened_ms, [opened_ms, price, price, price, price, 0])
        candle[2], candle[3] = max(candle[2], price), min(candle[3], price)
        candle[4] = price
        candle[5] += quantity
    return list(candles.values())


def plain_python(trades: TradeTable) -> Prepared:
    units = np.array([10.0**trades.price_decimals] * 4 + [10.0**trades.quantity_decimals])

    def candles(rows: list[list[int]]) -> Floats:
        made = np.array(rows, np.float64)
        made[:, 1:] /= units
        return made

    return Prepared(lambda: one_by_one(trades), candles)


def too_much_volume(trades: TradeTable) -> Prepared:
    right = plain_python(trades)
    return Prepared(right.work, lambda rows: right.candles(rows) * [1, 1, 1, 1, 1, 1.001])


def one_candle_less(trades: TradeTable) -> Prepared:
    right = plain_python(trades)
    return Prepared(right.work, lambda rows: right.candles(rows)[:-2])


def test_candles_are_measured_both_ways_and_beside_peers_that_make_the_same() -> None:
    said: list[str] = []
    peers = {
        "plain": Peer("numpy", "a loop", plain_python),
        "absent": Peer("a-package-nobody-has", "nothing", plain_python),
    }
    measured = bench_candles(Effort(2, quick=True), said.append, peers)
    figures = measured.figures()
    assert figures["streaming_per_second"] > 0
    assert figures["columnar_per_second"] > figures["streaming_per_second"]
    assert figures["peers"]["plain"] > 0
    assert figures["peers"]["absent"] is None
    assert [len(values) for values in measured.runs.values()] == [2, 2]
    conditions = measured.conditions
    assert conditions["streaming"]["trades"] == pytest.approx(500 * 20, rel=0.1)
    assert conditions["columnar"]["trades"] == pytest.approx(5_000 * 20, rel=0.1)
    assert conditions["peers"]["plain"]["version"] == np.__version__
    assert conditions["peers"]["absent"]["version"] is None
    assert "run 2 of 2" in said
    assert said[-1] == "left out, as not installed: absent; uv sync --group peers brings them"


@pytest.mark.parametrize("prepare", [too_much_volume, one_candle_less])
def test_the_speed_of_a_peer_that_makes_other_candles_is_not_reported(
    prepare: Callable[[TradeTable], Prepared],
) -> None:
    peers = {"plain": Peer("numpy", "a loop", prepare)}
    with pytest.raises(RealtimeError, match=r"plain .* makes other candles of the same trades"):
        bench_candles(Effort(1, quick=True), lambda _text: None, peers)


def test_the_peers_that_are_installed_make_our_candles_and_the_others_are_none() -> None:
    done = realtime("candles", "--quick", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {"candles", "meta"}
    assert set(result["candles"]) == {"streaming_per_second", "columnar_per_second", "peers"}
    measured = {name for name, rate in result["candles"]["peers"].items() if rate is not None}
    assert set(result["candles"]["peers"]) == set(PEERS)
    assert measured == {name for name, peer in PEERS.items() if peer.version is not None}
    assert ("uv sync --group peers" in done.stderr) == (measured != set(PEERS))


def test_two_workers_are_measured_while_both_are_at_work() -> None:
    second_ns = 1_000_000_000
    one = [at * second_ns // 10 for at in range(101)]  # ten messages of 100 a second
    assert rate_together([one]) == 1_000
    late = [at + 5 * second_ns for at in one]
    assert rate_together([one, late]) == pytest.approx(2_000, rel=0.01)
    with pytest.raises(RealtimeError, match="one worker was done before the other began"):
        rate_together([one, [at + 11 * second_ns for at in one]])
    with pytest.raises(RealtimeError, match="given no partition"):
        rate_together([one, []])


def test_each_prediction_is_seen_once_and_none_from_before() -> None:
    answers = iter([[1], [1, 2], [2, 3], [2, 3]])

    def get(path: str) -> Any:
        assert path == "/predictions/BTC-USDT"
        predictions = [{"id": str(one), "latency_us": one * 10} for one in next(answers)]
        return {"predictions": predictions}

    assert watch(get, ["BTC/USDT"], 0.6).closed_us == {"2": 20, "3": 30}
    assert watch(lambda _path: None, ["BTC/USDT"], 0.0).closed_us == {}


def test_of_very_many_markets_each_is_asked_in_turn_and_all_at_most_200_times_a_second() -> None:
    symbols = [f"M{number}/USDT" for number in range(500)]
    asked: list[str] = []
    watch(asked.append, symbols, 0.5)
    first, then = asked[:500], asked[500:]
    assert len(set(first)) == 500
    assert then == first[: len(then)]
    assert 0 < len(then) <= 101


def test_a_counter_is_summed_over_its_labels() -> None:
    page = 'a_total{market="x"} 2.0\na_total{market="y"} 3.0\na_total_other 9.0\na_total 1.0'
    assert total(page, "a_total") == 6
    assert total(None, "a_total") == 0


def test_cpu_time_is_that_of_the_process_and_of_none_where_there_is_none() -> None:
    before = process_cpu_s(os.getpid())
    if before is not None:
        assert before == pytest.approx(time.process_time(), abs=0.5)
    assert process_cpu_s(2**30) is None


def test_without_a_broker_to_be_had_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    done = realtime("kafka", PATH=str(tmp_path), KAFKA_BROKER="")
    assert done.returncode == 5
    assert done.stdout == ""
    assert done.stderr.count("\n") == 2  # what it begins with, and the error
    assert "no Kafka: install Java 17 and Maven, start Docker, or set KAFKA_BROKER" in done.stderr


@pytest.mark.kafka
@pytest.mark.slow
def test_workers_and_services_are_measured_on_kafka() -> None:
    done = realtime("kafka", "--quick", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    figures = result["kafka"]
    assert set(figures) == {
        *("worker_trades_per_second", "two_workers_ratio"),
        *("rate", "p50_ms", "p99_ms"),
    }
    assert figures["worker_trades_per_second"] > 1_000
    assert figures["rate"] == pytest.approx(2 * 50, rel=0.3)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    conditions = result["meta"]["conditions"]["kafka"]
    assert conditions["workers"]["topic"]["trades"] == pytest.approx(100_000, rel=0.1)
    assert conditions["workers"]["cpu_seconds"]["one_worker"]["workers"] > 0
    assert set(conditions["services"]["cores_used"]) >= {"trades", "candles", "predictor"}
