"""`realtime explain`: a prediction is told, and made anew out of either database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from marketstream.explanation import read_explanation
from marketstream.messages import Candle, Features, Outcome, Prediction, Said
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server
from marketstream.topics import CANDLES, FEATURES, OUTCOMES, PREDICTIONS
from prediction_api.routes.app import build_app
from prediction_api.settings import ApiSettings
from prediction_api.views.market_views import MarketViews
from predictor.arena.onnx_file import OnnxModel
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.registry.local import LocalModels
from predictor.registry.mlflow import ModelRegistry
from predictor.training.fitting import TrainedModel
from predictor.training.requests import registry_uri
from predictor.training.retraining import TrainedOn
from realtime_bench.load import make_load
from realtime_training.commands.explain.rebuilding import rebuild_answers, rebuild_features
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all
from realtime_training.taking_apart import ModelsAsked

# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SETTINGS = load_all()
MARKET = "binance:BTC/USDT"


class Ran:
    """What a pipeline said of some minutes of a market, its last model registered as version 1."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.said: list[Any] = []
        frames = make_load(("BTC/USDT",), 20, 300).record(state / "recorded.gz")
        replay = Replay("BTC/USDT", "1s", (2,), SETTINGS, retrain_every_ms=1_000_000)
        for topic in (CANDLES, FEATURES, PREDICTIONS, OUTCOMES):
            replay.pipeline.runner.tap(topic, lambda message, _ns: self.said.append(message))
        replay.run([frames])
        [model] = replay.pipeline.predictor(MARKET).models.values()
        self.version = model.version
        on = TrainedOn(MARKET, "1s", 0, 1, replay.pipeline.feature_set.version, "mid")
        registry = ModelRegistry(f"sqlite:///{state / 'mlflow.sqlite'}")
        assert registry.log(model, on, {}) == 1
        self.model: TrainedModel = replace(model, version="1")

    def rows(self) -> list[Any]:
        """Return what the storekeeper would write, with the version that the registry gave."""
        return [self._registered(message) for message in self.said if not _forming(message)]

    def _registered(self, message: Any) -> Any:
        if not isinstance(message, Prediction | Outcome) or message.model_version != self.version:
            return message
        renamed = msgspec.structs.replace(message, model_version="1")
        if isinstance(renamed, Outcome):
            return renamed
        told = {
            name: Said(said.p_up, said.weight, said.model.replace(f":{self.version}", ":1"))
            for name, said in renamed.candidates.items()
        }
        return msgspec.structs.replace(renamed, candidates=told)

    def predictions(self) -> list[Prediction]:
        return [
            row for row in self.rows()
            if isinstance(row, Prediction) and row.model_version == "1" and not row.preview
        ]  # fmt: skip


def _forming(message: Any) -> bool:
    return isinstance(message, Features) and message.forming


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    run = Ran(tmp_path_factory.mktemp("state"))
    with contextlib.closing(open_store(f"sqlite:///{run.state}/realtime.sqlite")) as store:
        store.write(run.rows())
    return run


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def explain(ran: Ran, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "explain", *arguments,
         "--state", str(ran.state)],
        capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **settings},
    )  # fmt: skip


def told(ran: Ran, prediction: Prediction, **settings: str) -> dict[str, Any]:
    done = explain(ran, prediction.id, "--json", **settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_features_and_answers_come_out_as_they_were_stored(ran: Ran) -> None:
    prediction = ran.predictions()[-3]
    found = told(ran, prediction)
    for part in ("features", "answers"):
        assert found["rebuilt"][part]["equal"], found["rebuilt"]
        assert found["rebuilt"][part]["largest_difference"] <= 1e-9
    assert found["explanation"]["id"] == prediction.id
    assert set(found["explanation"]["contributions"]) == set(prediction.candidates)
    for one in found["explanation"]["contributions"].values():
        assert one["base"] + sum(one["features"].values()) == pytest.approx(one["log_odds"])
    shown = explain(ran, prediction.id).stdout
    assert "features from stored candles: equal to what was stored" in shown
    assert "answers by the registered model: equal to what was stored" in shown
    assert "whatever is known" in shown


def test_of_postgresql_it_says_what_it_says_of_sqlite(ran: Ran, postgres: PostgresServer) -> None:
    database = postgres.new_database()
    with contextlib.closing(open_store(postgres.url(database))) as store:
        store.write(ran.rows())
    server = {
        "POSTGRES_HOST": str(postgres.socket_folder), "POSTGRES_DB": database,
        "POSTGRES_USER": "postgres",
    }  # fmt: skip
    prediction = ran.predictions()[-5]
    assert told(ran, prediction, **server) == told(ran, prediction)


def test_every_close_is_rebuilt_to_1e_9_once_the_series_is_long_enough(ran: Ran) -> None:
    predictions = ran.predictions()
    assert len(predictions) > 50
    with contextlib.closing(open_store(f"sqlite:///{ran.state}/realtime.sqlite")) as store:
        for prediction in predictions:
            explanation = read_explanation(store, prediction.id)
            assert explanation is not None
            assert rebuild_features(store, explanation, SETTINGS).equal, prediction.id


def test_where_history_is_gone_or_was_changed_it_says_why(ran: Ran, tmp_path: Path) -> None:
    prediction = ran.predictions()[-1]
    rows = [row for row in ran.rows() if not isinstance(row, Candle)]
    candles = [row for row in ran.rows() if isinstance(row, Candle)]
    close_ms = prediction.close_time_ms

    def rebuilt(name: str, stored: list[Any]) -> tuple[bool | None, str]:
        with contextlib.closing(open_store(f"sqlite:///{tmp_path}/{name}.sqlite")) as store:
            store.write([*rows, *stored])
            explanation = read_explanation(store, prediction.id)
            assert explanation is not None
            found = rebuild_features(store, explanation, SETTINGS)
            return found.equal, found.reason or ""

    nothing, why = rebuilt("nothing", [])
    assert (nothing, why) == (None, "cannot be rebuilt: the candle is no longer stored")
    coarse = [candle for candle in candles if candle.timeframe == "1s"]
    assert rebuilt("coarse", coarse) == (
        None, "cannot be rebuilt: candles of 250ms are no longer stored",
    )  # fmt: skip
    late = [candle for candle in candles if candle.open_time_ms >= close_ms - 30_000]
    different, why = rebuilt("late", late)
    assert different is False
    assert "30 are stored" in why
    changed = [
        msgspec.structs.replace(candle, close=candle.close * 1.001, revision=candle.revision + 1)
        if candle.close_time_ms == close_ms - 5_000 else candle
        for candle in candles
    ]  # fmt: skip
    different, why = rebuilt("changed", changed)
    assert different is False
    assert "were revised" in why


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (f"{MARKET}:1s:1000:2000:champion:1", "the store has no prediction"),
        ("seven", "'seven' is no id of a prediction"),
    ],
)
def test_what_there_is_not_is_said_in_a_line(ran: Ran, asked: str, part: str) -> None:
    done = explain(ran, asked)
    assert (done.returncode, done.stdout) == (3, "")
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_a_version_that_the_registry_does_not_have_is_told_without_its_answers(ran: Ran) -> None:
    prediction = msgspec.structs.replace(ran.predictions()[-4], model_version="99")
    with contextlib.closing(open_store(f"sqlite:///{ran.state}/realtime.sqlite")) as store:
        store.write([prediction])
    found = told(ran, prediction)
    assert found["rebuilt"]["features"]["equal"]
    assert found["explanation"]["contributions"] is None
    answers = found["rebuilt"]["answers"]
    assert answers["equal"] is None
    assert answers["reason"].startswith("cannot be rebuilt: binance-BTC-USDT-1s-2000ms has no")


def from_the_route(ran: Ran, prediction: Prediction, state: Path) -> dict[str, Any]:
    """Ask the API over what a run stored, its models looked for in a folder."""
    plan = Plan((MARKET,), "1s", (2,))
    metrics = Metrics(CollectorRegistry())
    views = MarketViews(plan, metrics, now_ns=lambda: 0, speed=1.0, stale_after_ms=1_000)
    asked = ModelsAsked(state, registry_uri(None, state))
    with contextlib.closing(open_store(f"sqlite:///{ran.state}/realtime.sqlite")) as store:
        settings = ApiSettings().for_address("127.0.0.1")
        app = build_app(plan, views, metrics, lambda: store, settings, take_apart=asked)
        path = f"/predictions/binance/BTC-USDT/{prediction.id}/explain"
        answer = TestClient(app, base_url="http://localhost").get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_route_tells_what_the_command_does_by_the_registry_or_what_serves(
    ran: Ran, tmp_path: Path
) -> None:
    prediction = ran.predictions()[-6]
    expected = told(ran, prediction)["explanation"]["contributions"]
    assert len(expected) >= 2
    by_registry = from_the_route(ran, prediction, ran.state)
    assert by_registry["contributions"] == expected
    assert by_registry["missing"].get("contributions") is None
    name = "binance-BTC-USDT-1s-2000ms"
    LocalModels(tmp_path / "models").keep_champion(name, prediction.feature_set, ran.model)
    assert from_the_route(ran, prediction, tmp_path)["contributions"] == expected
    assert not (tmp_path / "mlflow.sqlite").exists(), "what serves is at hand"


def test_the_route_says_why_a_prediction_cannot_be_taken_apart(ran: Ran, tmp_path: Path) -> None:
    prediction = ran.predictions()[-7]
    found = from_the_route(ran, prediction, tmp_path)
    assert found["contributions"] is None
    assert found["missing"]["contributions"].startswith("no model is registered as binance-BTC-")
    other = replace(ran.model, moves=ImbalanceSign(0.9), move_columns=("imbalance",))
    LocalModels(tmp_path / "models").keep_champion(
        "binance-BTC-USDT-1s-2000ms", prediction.feature_set, other
    )
    found = from_the_route(ran, prediction, tmp_path)
    assert "version 1 answers otherwise than it did, by" in found["missing"]["contributions"]


def test_what_a_model_from_outside_said_is_taken_as_it_is(ran: Ran) -> None:
    prediction = ran.predictions()[-3]
    vectors = [row for row in ran.rows() if isinstance(row, Features) and row.values]
    [values] = [v.values for v in vectors if v.close_time_ms == prediction.close_time_ms]
    served = prediction.p_up / (prediction.p_up + prediction.p_down)
    halved = {
        name: msgspec.structs.replace(said, weight=said.weight / 2)
        for name, said in prediction.candidates.items()
    }
    with_it = {**halved, "mine": Said(served, 0.5, "arena/mine:1")}
    answers = rebuild_answers(
        msgspec.structs.replace(prediction, candidates=with_it), values, ran.model
    )
    assert answers.rebuilt.equal, answers.rebuilt
    assert answers.candidates["mine"].features is None
    assert answers.candidates["mine"].log_odds == pytest.approx(np.log(served / (1 - served)))
    assert answers.candidates.keys() == with_it.keys()


def test_the_registered_model_is_exported_as_an_onnx_file(ran: Ran, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    place = ("--market", MARKET, "--horizon", "2", "--state", str(ran.state))

    def export(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "realtime_training", "models", "export", *arguments, *place],
            capture_output=True, text=True, timeout=240, check=False, env=dict(os.environ),
        )  # fmt: skip

    done = export("1", "--onnx", str(file))
    assert done.returncode == 0, done.stderr
    assert f"{ran.model.champion.name} of " in done.stdout
    model, champion = OnnxModel("mine", file, None), ran.model.champion
    assert model.features == champion.columns
    rows = np.random.default_rng(0).uniform(-1, 1, (50, len(champion.columns)))
    for row in rows.tolist():
        said = model.probabilities(row, 2_000)
        assert said is not None
        assert said[2] == pytest.approx(champion.up.probability_of(row), abs=1e-5)

    wrong = export("1", "--onnx", str(file), "--candidate", "logistic_fife")
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert "did you mean logistic_five?" in wrong.stderr
