"""`realtime run` as a user starts it: a real process, real sockets, a real database."""

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketstream.messages import Candle
from marketstream.store.sql import open_store
from marketstream.testing import running_command
from marketstream.topics import CANDLES
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all

TRADES = 19_904
MARKET = "recording:BTC/USDT"
MADE_UP = "simulator:BTC/USDT"
FILES = (
    "trades/binance-spot-BTCUSDT-20240808.frames.gz",
    "trades/binance-spot-BTCUSDT-20240809.frames.gz",
)
PREDICTION_FIELDS = {
    "id", "timeframe", "horizon_ms", "made_at_ms", "for_ms", "mid", "predicted_price",
    "expected_return", "p_up", "p_flat", "p_down", "low", "high", "level", "direction", "reason",
    "model", "latency_us", "candidates",
}  # fmt: skip


@pytest.mark.data
def test_a_recording_live_serves_scored_predictions_and_loses_no_trade(
    market_data: Path, tmp_path: Path
) -> None:
    recordings = [market_data / name for name in FILES]
    arguments = [part for path in recordings for part in ("--recording", str(path))]
    with running_command(tmp_path, *arguments, "--speed", "15") as live:
        live.wait_for("warming up", lambda: live.get("/health")[1]["status"] == "warming up")

        def needed_ms() -> int:
            status, problem = live.get("/predictions/BTC-USDT")
            assert status == 503
            needed: int = problem["missing"]["needed_ms"]
            return needed

        live.wait_for("how much is needed", lambda: needed_ms() > 0)
        assert needed_ms() == 120_000
        assert live.get("/predictions/ETH-USDT")[0] == 404

        live.wait_for("predictions", lambda: live.get("/predictions/BTC-USDT")[0] == 200)
        _, answer = live.get("/predictions/BTC-USDT")
        assert answer["symbol"] == "BTC/USDT"
        assert not answer["stale"]
        assert 1_723_161_254_000 < answer["as_of_ms"] < 1_723_161_906_000
        assert [p["horizon_ms"] for p in answer["predictions"]] == [1_000, 2_000, 5_000, 10_000]
        assert all(set(p) == PREDICTION_FIELDS for p in answer["predictions"])
        assert live.get("/health")[1]["status"] == "ok"

        received = f'realtime_trades_total{{market="{MARKET}"}}'
        live.wait_for("all trades", lambda: live.metric(received) == TRADES)
        live.wait_for("the end", lambda: "recording has ended" in live.log.read_text())
        outcomes = f'realtime_accuracy_ratio{{horizon_ms="1000",market="{MARKET}"}}'
        assert live.metric(outcomes) > 0.5
        assert live.metric(f'realtime_gaps_total{{market="{MARKET}"}}') == 0
        assert live.get("/predictions/BTC-USDT")[0] == 200
        code, seconds = live.stop()
        assert code == 0
        assert seconds < 5
    assert "Traceback" not in live.log.read_text()

    replayed = replayed_candles(recordings)
    stored = stored_candles(tmp_path)
    # A stalled machine makes trades late, which revises candles; the last revision counts. Silence
    # goes on for a moment after the last trade, in candles of their own.
    assert stored[: len(replayed)] == replayed


def stored_candles(folder: Path) -> list[tuple[object, ...]]:
    store = open_store(f"sqlite:///{folder / 'state' / 'realtime.sqlite'}")
    try:
        counts = store.counts()
        assert counts["predictions"] > 1_000
        assert counts["predictions"] - 100 < counts["outcomes"] <= counts["predictions"]
        assert counts["models"] >= 4
        return [what_traded(candle) for candle in store.candles(MARKET, "1s", 0, 2**62)]
    finally:
        store.close()


def replayed_candles(recordings: list[Path]) -> list[tuple[object, ...]]:
    replay = Replay("BTC/USDT", "1s", (1,), load_all())
    newest: dict[tuple[str, str, int], Candle] = {}
    replay.pipeline.runner.tap(CANDLES, lambda one, _ns: newest.update({one.identity: one}))
    replay.run(recordings)
    return [what_traded(candle) for candle in newest.values() if candle.timeframe == "1s"]


def what_traded(candle: Candle) -> tuple[object, ...]:
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume,
        candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
    )  # fmt: skip


def test_the_default_exchange_is_made_up_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with running_command(tmp_path, "--symbol", "BTC/USDT") as live:
        received = f'realtime_trades_total{{market="{MADE_UP}"}}'
        live.wait_for("trades", lambda: live.metric(received) > 20)
        live.wait_for("health", lambda: live.get("/health")[1]["status"] in {"warming up", "ok"})
        assert "realtime_data_age_seconds" in live.get("/metrics")[1]
        code, seconds = live.stop()
    assert code == 0
    assert seconds < 5


def test_the_simulated_exchange_ends_with_a_killed_parent(tmp_path: Path) -> None:
    with running_command(tmp_path, "--symbol", "BTC/USDT") as live:
        received = f'realtime_trades_total{{market="{MADE_UP}"}}'
        live.wait_for("trades", lambda: live.metric(received) > 0)
        port = int(re.findall(r"ws://127\.0\.0\.1:(\d+)/ws", live.log.read_text())[0])
        live.kill()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return
            time.sleep(0.05)
    pytest.fail("the simulated exchange outlived its parent")


def test_any_server_that_speaks_the_protocol_serves_as_the_exchange(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "realtime_training", "simulate", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stdout is not None
            said = json.loads(server.stdout.readline())
            urls = {"EXCHANGE_WS_URL": said["ws_url"], "EXCHANGE_REST_URL": said["rest_url"]}
            arguments = ("--exchange", "binance", "--symbol", "ETH/USDT")
            with running_command(tmp_path, *arguments, **urls) as live:
                live.wait_for("predictions", lambda: live.get("/predictions/ETH-USDT")[0] == 200)
                assert live.metric('realtime_trades_total{market="binance:ETH/USDT"}') > 0
                assert live.stop()[0] == 0
        finally:
            server.kill()
