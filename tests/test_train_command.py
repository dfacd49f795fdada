"""`realtime train`: a model in the registry with its evidence, and promoted only when better."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from marketstream.errors import InputError, RealtimeError
from marketstream.messages import Candle
from marketstream.store.sql import open_store
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name
from realtime_bench.load import make_load
from realtime_training.commands.evaluate.work import Wanted
from realtime_training.commands.models.comparison import compare_versions
from realtime_training.commands.train.command import train
from realtime_training.commands.train.work import summary, train_all
from realtime_training.datasets import load_files
from realtime_training.settings import load_all

# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SETTINGS = load_all()
MARKET = "binance:BTC/USDT"
START_MS = 1_704_067_200_000


def realtime(
    *arguments: str | Path, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", *map(str, arguments)],
        capture_output=True, text=True, timeout=240, check=False, cwd=folder,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "recorded.gz"
    return make_load(("BTC/USDT",), 20, 300).record(path)


def test_a_model_is_registered_with_figures_pictures_data_and_signature_and_can_serve(
    frames: Path,
) -> None:
    state = frames.parent
    data = load_files([frames], SETTINGS, state, symbol="BTC/USDT")
    uri = f"sqlite:///{state / 'mlflow.sqlite'}"
    registry = ModelRegistry(uri)
    wanted = Wanted((2,), ("logistic", "lightgbm"), folds=2)
    [first] = train_all(
        data, "binance", wanted, SETTINGS.predictor, registry, sources=["recorded.gz"]
    )
    assert (first.version, first.promotion.promoted) == (1, True)
    served = registry.champion(MARKET, "1s", 2_000, data.feature_set)
    assert served is not None
    assert served.version == "1"
    assert served.rows == first.model.rows

    from mlflow import MlflowClient
    from mlflow.models import Model

    client: Any = MlflowClient(uri, uri)  # whose stubs have None everywhere
    name = model_name(MARKET, "1s", 2_000)
    version = client.get_model_version_by_alias(name, "champion")
    run = client.get_run(version.run_id)
    assert run.data.metrics["evaluation.accuracy"] == pytest.approx(
        first.evaluated.evaluation.score.accuracy  # type: ignore[union-attr]
    )
    folds = client.get_metric_history(version.run_id, "fold.log_loss")
    assert [(each.step, each.value) for each in folds] == [
        (step, fold.log_loss) for step, fold in enumerate(first.evaluated.evaluation.folds)
    ]
    assert run.data.tags["verdict"] == first.evaluated.evaluation.verdict
    [given] = run.inputs.dataset_inputs
    assert data.identity.startswith(given.dataset.digest)
    assert json.loads(given.dataset.source) == ["recorded.gz"]
    artifacts = {each.path for each in client.list_artifacts(version.run_id)}
    assert artifacts >= {
        "model.json", "MLmodel", "evaluation.json", "importance.json", "calibration.svg",
        "coverage.svg", "over_time.svg", "money.svg", "importance.svg",
    }  # fmt: skip
    signature: Any = Model.load(client.download_artifacts(version.run_id, "MLmodel")).signature
    assert {"imbalance", "mid"} <= set(signature.inputs.input_names())
    assert signature.outputs.input_names()[:3] == ["p_up", "p_flat", "p_down"]

    [second] = train_all(data, "binance", Wanted((2,), ("logistic",), folds=2),
                         SETTINGS.predictor, registry)  # fmt: skip
    assert (second.version, second.promotion.promoted) == (2, False)
    assert "points against the champion" in second.promotion.reason
    assert client.get_model_version_by_alias(name, "champion").version == 1
    assert client.get_model_version_by_alias(name, "challenger").version == 2
    [forced] = train_all(data, "binance", Wanted((2,), ("logistic",), folds=2),
                         SETTINGS.predictor, registry, promote="always")  # fmt: skip
    assert client.get_model_version_by_alias(name, "champion").version == forced.version == 3
    said: dict[str, Any] = summary(data, wanted, [forced])["horizons"]["2"]
    assert (said["version"], said["promoted"], said["reason"]) == (3, True, "asked for")


def test_a_champion_is_asked_about_rows_that_came_after_its_training(frames: Path) -> None:
    state = frames.parent
    data = load_files([frames], SETTINGS, state, symbol="BTC/USDT")
    registry = ModelRegistry(f"sqlite:///{state / 'mlflow.sqlite'}")
    wanted = Wanted((2,), ("logistic",), folds=2)
    early = replace(data, table=data.table.rows(slice(0, 6 * len(data.table) // 10)))
    train_all(early, "kraken", wanted, SETTINGS.predictor, registry)
    [later] = train_all(data, "kraken", wanted, SETTINGS.predictor, registry)
    judged = later.evaluated.rows
    assert judged is not None
    moved = judged.times_ms[judged.returns != 0]
    unseen = moved[moved > early.table.close_time_ms[-1]]
    assert 0 < len(unseen) < len(moved)
    said = re.search(r"on ([\d,]+) rows", later.promotion.reason)
    assert said is not None
    assert len(unseen) < int(said[1].replace(",", "")) <= len(moved)


def test_roles_are_given_and_taken_by_command_and_versions_compared(frames: Path) -> None:
    state = frames.parent / "roles"
    state.mkdir()
    data = load_files([frames], SETTINGS, state, symbol="BTC/USDT")
    early = replace(data, table=data.table.rows(slice(0, 6 * len(data.table) // 10)))
    registry = ModelRegistry(f"sqlite:///{state / 'mlflow.sqlite'}")
    for learner in ("logistic", "lightgbm"):
        train_all(early, "binance", Wanted((2,), (learner,), folds=2), SETTINGS.predictor,
                  registry, promote="always")  # fmt: skip
    name = model_name(MARKET, "1s", 2_000)

    compared = compare_versions(data, registry.model(name, "1"), registry.model(name, "2"))
    assert compared["rows"] > 50
    assert compared["since_ms"] > early.table.close_time_ms[-1]
    sides = compared["challenger"]["accuracy"] - compared["champion"]["accuracy"]
    assert compared["ahead"] == pytest.approx(sides)
    with pytest.raises(InputError, match="no stored close moved after both trainings"):
        compare_versions(early, registry.model(name, "1"), registry.model(name, "2"))

    def roles(*arguments: str) -> Any:
        place = ("--market", MARKET, "--horizon", "2", "--state", str(state), "--json")
        done = realtime("models", *arguments, *place)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert roles("promote", "1", "--why", "steadier") == {
        "model": name, "champion": "1", "before": "2", "why": "steadier",
    }  # fmt: skip
    assert roles("rollback")["champion"] == "2"
    assert roles("retire", "2") == {
        "model": name, "retired": "2", "champion": "1", "why": "by hand",
    }  # fmt: skip
    served = registry.champion(MARKET, "1s", 2_000, data.feature_set)
    assert served is not None
    assert served.version == "1"
    refused = realtime("models", "promote", "2", "--market", MARKET, "--horizon", "2",
                       "--state", state)  # fmt: skip
    assert refused.returncode == 3
    assert "version 2 was retired (by hand): name another" in refused.stderr


def test_the_command_trains_on_files(frames: Path) -> None:
    state = frames.parent / "of the command"
    common = ("--horizon", "2", "--model", "logistic", "--folds", "2", "--state", state)
    done = realtime("train", frames, "--symbol", "BTC/USDT", *common, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["horizons"]["2"]
    assert (result["name"], result["version"]) == ("binance-BTC-USDT-1s-2000ms", 1)
    assert result["promoted"]
    assert result["evaluation"]["model"] == "logistic"


def test_candles_of_a_minute_train_in_the_default_state_folder_with_nothing_else_on_stderr(
    tmp_path: Path,
) -> None:
    file = write_klines(tmp_path / "klines.csv", 1_500, 60_000)
    done = realtime(
        "train", file.name, "--symbol", "BTC/USDT", "--horizon", "5", "--model", "logistic",
        "--folds", "2", "--json", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ""
    said = json.loads(done.stdout)
    result = said["horizons"]["5"]
    assert (result["name"], result["version"]) == ("binance-BTC-USDT-1m-300000ms", 1)
    assert "roc_5" in said["features"]
    assert said["features_not_used"]["imbalance"] == "there is no book"
    assert any((tmp_path / "state" / "data-docs").glob("binance-BTC-USDT/*/index.html"))


def test_candles_of_a_day_train_whatever_a_price_does_in_weeks(tmp_path: Path) -> None:
    """A return of 15 days is no return of seconds: what those may be says nothing of it."""
    file = write_klines(tmp_path / "daily.csv", 900, 86_400_000, step=0.05, count=2_000_000)
    data = load_files([file], SETTINGS, tmp_path, symbol="BTC/USDT")
    assert np.nanmax(data.table.columns(["trades_1296000s"])) > 1e7
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.sqlite'}")
    [trained] = train_all(
        data, "yahoo", Wanted((1,), ("logistic",), folds=2), SETTINGS.predictor, registry
    )
    assert (trained.name, trained.version) == ("yahoo-BTC-USDT-1d-86400000ms", 1)


def test_trades_without_sides_train_at_a_minute(tmp_path: Path) -> None:
    """Kraken's dump: seconds, price, volume, no header."""
    random = np.random.default_rng(5)
    times_s = 1_704_067_200 + np.sort(random.integers(0, 60 * 1_000, 6_000))
    prices = 100 * np.exp(np.cumsum(random.normal(0, 1e-4, len(times_s))))
    path = tmp_path / "XBTUSD.csv"
    path.write_text(
        "".join(f"{time},{price:.2f},0.5\n" for time, price in zip(times_s, prices, strict=True))
    )
    data = load_files([path], SETTINGS, tmp_path, symbol="BTC/USD", timeframe="1m")
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.sqlite'}")
    [trained] = train_all(
        data, "kraken", Wanted((5,), ("logistic",), folds=2), SETTINGS.predictor, registry
    )
    assert (data.label, trained.version) == ("close", 1)
    assert not [name for name in data.used if name.startswith(("flow", "imbalance"))]


def test_a_registry_that_cannot_be_used_ends_it_with_one_line(tmp_path: Path) -> None:
    file = write_klines(tmp_path / "klines.csv", 300, 60_000)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "mlflow.sqlite").write_text("no database, and long enough " * 99)
    done = realtime("train", file, "--symbol", "BTC/USDT", "--json", folder=tmp_path)
    [line] = done.stderr.strip().splitlines()
    assert (done.returncode, done.stdout) == (4, "")
    assert "the model registry at sqlite:///" in line
    assert "set MLFLOW_TRACKING_URI" in line


def test_the_store_is_asked_for_the_market_that_run_stores_by_default(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'realtime.sqlite'}")
    for market in ("simulator:BTC/USDT", "kraken:ETH/EUR"):
        store.write([candle_of(market)])
    store.close()
    arguments = ["--from-store", "--symbol", "ETH/EUR", "--state", str(tmp_path)]
    with pytest.raises(InputError) as raised:
        train.main(arguments, standalone_mode=False)
    assert str(raised.value) == (
        "the store holds no candles of simulator:ETH/EUR 1s: it holds --exchange kraken --symbol "
        "ETH/EUR, --exchange simulator --symbol BTC/USDT; name one of them, or another --timeframe"
    )


def candle_of(market: str) -> Candle:
    return Candle(
        market=market, timeframe="1s", open_time_ms=START_MS, close_time_ms=START_MS + 1_000,
        open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0, quote_volume=1.0,
        taker_buy_volume=1.0, taker_buy_quote_volume=1.0, trade_count=1, complete=True,
    )  # fmt: skip


def write_klines(
    path: Path, rows: int, step_ms: int, *, step: float = 1e-3, count: int = 9
) -> Path:
    """Candles of a random walk."""
    random = np.random.default_rng(1)
    closes = (100 * np.exp(np.cumsum(random.normal(0, step, rows)))).round(4).tolist()
    lines = ["open_time,open,high,low,close,volume,count,taker_buy_volume"]
    for number, (before, close) in enumerate(pairwise([100.0, *closes])):
        opened = START_MS + number * step_ms
        high, low = max(before, close), min(before, close)
        lines.append(f"{opened},{before},{high},{low},{close},{1 + number % 7},{count},0.5")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--horizon", "99999999999999", "1<=x<=100000"),
        ("--cost-bps", "nan", "'nan': give a number from 0 to 10000"),
        ("--cost-bps", "inf", "'inf': give a number from 0 to 10000"),
        ("--cost-bps", "-1", "'-1': give a number from 0 to 10000"),
        ("--folds", "100000", "1<=x<=100"),
    ],
)
def test_a_number_beyond_reason_is_refused(option: str, value: str, message: str) -> None:
    with pytest.raises(click.BadParameter) as raised:
        train.main(["trades.csv", option, value], standalone_mode=False)
    assert message in raised.value.format_message()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trades.csv", "--from-store", "--symbol", "BTC/USDT"], "either FILES or --from-store"),
        (["--symbol", "BTC/USDT"], "either FILES or --from-store"),
        (["trades.csv"], "give --symbol"),
        (["--from-store", "--symbol", "BTC/USDT"], "no such file"),
        (["trades.csv", "--symbol", "BTC/USDT"], "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RealtimeError, match=message):
        train.main([*arguments, "--state", "state"], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
