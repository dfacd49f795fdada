"""`realtime export`: what is stored comes out as Parquet, row for row."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from marketstream.messages import (
    Candle,
    Depth,
    MoveForecast,
    MoveOutcome,
    Outcome,
    Prediction,
    Role,
)
from marketstream.store.sql import open_store

MARKET, OTHER = "binance:BTC/USDT", "kraken:BTC/USD"
START_MS = 1_723_161_600_000
DEPTH = Depth(((1.0, 2.0),), ((3.0, 4.0),), START_MS * 1_000)
RANGE = ("--from", "2024-08-09", "--to", "2024-08-10")


def candle(second: int, market: str = MARKET, timeframe: str = "1s") -> Candle:
    opened_ms = START_MS + second * 1_000
    return Candle(
        market, timeframe, opened_ms, opened_ms + 1_000, 1.0, 2.0, 0.5, 1.5, 3.0, 4.0, 5, 1.0, 2.0,
        bid=1.25, complete=None if second % 2 else True, depth=DEPTH,
    )  # fmt: skip


def prediction(second: int, role: Role = "champion") -> Prediction:
    return Prediction(
        MARKET, "1s", START_MS + second * 1_000, 1_000, role, "logistic", "7", 0, 100.0, 100.5, 0.0,
        100.0, 0.5, 0.2, 0.3, 99.0, 101.0, 0.8, "up", None, {"majority": "up"},
    )  # fmt: skip


def outcome(second: int) -> Outcome:
    return Outcome(
        MARKET, "1s", START_MS + second * 1_000, 1_000, "champion", "7", 100.5, 0.005, 0.004,
        "right", "flat", inside=True, baselines={"majority": "wrong"},
    )  # fmt: skip


def move_forecast(second: int) -> MoveForecast:
    return MoveForecast(
        MARKET, "1s", START_MS + second * 1_000, 60_000, "volatility", "ridge", "7", "mid", 0, 4e-6,
        (1e-6, 2e-6), {"har": 5e-6}, 1e-9,
    )  # fmt: skip


def move_outcome(second: int) -> MoveOutcome:
    return MoveOutcome(
        MARKET, "1s", START_MS + second * 1_000, 60_000, "volatility", "ridge", "7", 3e-6,
        still=False, qlike=0.2, baselines={"har": 0.4, "ewma": None}, crps=None, inside_80=None,
        inside_90=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    with contextlib.closing(open_store(f"sqlite:///{folder}/realtime.sqlite")) as store:
        store.write([candle(second) for second in range(7_300)])
        store.write([candle(second, OTHER, "1m") for second in range(0, 600, 60)])
        store.write([prediction(second) for second in range(100)])
        store.write([prediction(second, "challenger") for second in range(100)])
        store.write([outcome(second) for second in range(90)])
        store.write([move_forecast(second) for second in range(0, 120, 60)])
        store.write([move_outcome(0)])
    return folder


def ask(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "export", *arguments, "--state", str(state)],
        capture_output=True, text=True, timeout=120, check=False, env={}, cwd=state,
    )  # fmt: skip


def test_all_that_is_stored_is_in_the_files(state: Path, tmp_path: Path) -> None:
    done = ask(state, str(tmp_path / "tables"), *RANGE, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["rows"]
    assert told == {
        "candles": 7_310, "predictions": 200, "outcomes": 90, "move_forecasts": 2,
        "move_outcomes": 1,
    }  # fmt: skip
    tables = {
        name: parquet.read_table(tmp_path / "tables" / f"{name}.parquet").to_pylist()
        for name in told
    }
    assert {name: len(rows) for name, rows in tables.items()} == told
    first = tables["candles"][0]
    assert msgspec.json.decode(first.pop("depth"), type=Depth) == DEPTH
    expected = msgspec.structs.asdict(candle(0))
    del expected["depth"]
    assert first == expected
    assert tables["candles"][1]["complete"] is None
    assert [row["market"] for row in tables["candles"][-10:]] == [OTHER] * 10
    assert {row["role"] for row in tables["predictions"]} == {"champion", "challenger"}
    assert json.loads(tables["outcomes"][0]["baselines"]) == {"majority": "wrong"}
    said, came = tables["move_forecasts"][0], tables["move_outcomes"][0]
    assert json.loads(said["quantiles"]) == [1e-6, 2e-6]
    assert (said["mean"], said["target"], said["late"]) == (4e-6, "volatility", False)
    assert json.loads(came["baselines"]) == {"har": 0.4, "ewma": None}
    assert (came["realised"], came["crps"], came["inside_90"]) == (3e-6, None, True)


def test_only_what_is_asked_for_is_written_and_nothing_else_is_left(
    state: Path, tmp_path: Path
) -> None:
    asked = ("--only", "candles", "--market", OTHER, *RANGE[:3], "2024-08-09T00:05Z")
    done = ask(state, str(tmp_path), *asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/candles.parquet: 5 rows\n"
    assert [path.name for path in tmp_path.iterdir()] == ["candles.parquet"]


def test_a_range_without_rows_makes_files_with_the_same_columns(
    state: Path, tmp_path: Path
) -> None:
    done = ask(state, str(tmp_path), "--from", "2020-01-01", "--to", "2020-01-02", "--json")
    told = json.loads(done.stdout)["rows"]
    assert told == dict.fromkeys(
        ("candles", "predictions", "outcomes", "move_forecasts", "move_outcomes"), 0
    )
    assert "realised_mid" in parquet.read_schema(tmp_path / "outcomes.parquet").names


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--market", "binance:XRP/USDT"), 3, "the store holds no candles of binance:XRP/USDT"),
        (("--from", "2024-01-01", "--to", "2024-03-01"), 2, "longer than 31 days"),
        (("--only", "trades"), 2, "trades"),
    ],
)
def test_what_makes_no_sense_is_refused(
    state: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = ask(state, str(tmp_path), *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
