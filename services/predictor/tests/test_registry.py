"""The registry on a real MLflow: on SQLite files, and on a server."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketstream.errors import InputError, StateError
from marketstream.testing import free_port
from predictor.registry.card import card_of
from predictor.registry.mlflow import EXPERIMENT, ModelRegistry
from predictor.registry.names import model_name
from predictor.registry.registrar import Registrar
from predictor.registry.roles import CHALLENGER, CHAMPION
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel, train
from predictor.training.requests import Registration, Wanted
from predictor.training.retraining import TrainedOn, TrainingJob
from predictor.validation.answers import Answers
from predictor.validation.evidence import Evidence, parameters_of
from predictor.validation.figures import Evaluation, Share

# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ON = TrainedOn(
    market="simulator:BTC/USDT",
    timeframe="1s",
    first_close_ms=1_000,
    last_close_ms=99_000,
    feature_set="f1",
    label="fair",
)
PARAMETERS = parameters_of(PredictorSettings())


def uri_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.sqlite'}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space in its name."""
    return tmp_path_factory.mktemp("a state")


@pytest.fixture(scope="module")
def registry(folder: Path) -> ModelRegistry:
    """One for all tests, since making MLflow's tables takes seconds: each has its own market."""
    return ModelRegistry(uri_of(folder))


@pytest.fixture
def on(request: pytest.FixtureRequest) -> TrainedOn:
    """A market of the test's own."""
    return replace(ON, market=f"simulator:{request.node.name[:40].upper()}/USDT")


@pytest.fixture(scope="module")
def client(registry: ModelRegistry, folder: Path) -> Any:
    """Another client of the same MLflow, as its user interface is."""
    from mlflow import MlflowClient

    return MlflowClient(uri_of(folder), uri_of(folder))


def artifact_of(client: Any, on: TrainedOn) -> Path:
    version = client.get_model_version_by_alias(model_name(on.market, "1s", 1_000), CHAMPION)
    return Path(client.download_artifacts(version.run_id, "")) / "model.json"


def test_registered_name_says_market_timeframe_and_horizon() -> None:
    assert model_name("simulator:BTC/USDT", "1s", 2_000) == "simulator-BTC-USDT-1s-2000ms"


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_champion_predicts_what_was_logged_and_carries_its_version(
    registry: ModelRegistry,
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    learner: str,
) -> None:
    market, settings = make_market(), make_settings(learner)
    model = train(market.table, market.prices, 1_000, settings, trained_at_ms=7)
    assert model is not None
    on = replace(ON, market=f"binance:{learner.upper()}/USDT")
    version = registry.log(model, on, parameters_of(settings))
    loaded = registry.champion(on.market, "1s", 1_000, "f1")
    assert loaded is not None
    assert loaded.version == str(version) == "1"
    assert loaded.validation == model.validation
    for before, after in zip(
        (model.champion, *model.references), (loaded.champion, *loaded.references), strict=True
    ):
        rows = market.table.columns(before.columns)
        assert after.columns == before.columns
        np.testing.assert_array_equal(after.up.probability(rows), before.up.probability(rows))


def test_versions_increase_and_the_newest_is_champion(
    registry: ModelRegistry, client: Any, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    hit_rates = (0.6, 0.7, 0.8)
    versions = [registry.log(make_model(hit_rate=rate), on, PARAMETERS) for rate in hit_rates]
    assert versions == [1, 2, 3]
    champion = registry.champion(on.market, "1s", 1_000, "f1")
    assert champion == replace(make_model(hit_rate=0.8), version="3")
    client.set_registered_model_alias(model_name(on.market, "1s", 1_000), CHAMPION, "2")
    champion = registry.champion(on.market, "1s", 1_000, "f1")
    assert champion == replace(make_model(hit_rate=0.7), version="2")


def test_horizons_and_timeframes_have_champions_of_their_own(
    registry: ModelRegistry, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    assert registry.log(make_model(1_000), on, PARAMETERS) == 1
    assert registry.log(make_model(5_000), on, PARAMETERS) == 1
    loaded = registry.champion(on.market, "1s", 5_000, "f1")
    assert loaded is not None
    assert loaded.horizon_ms == 5_000
    assert registry.champion(on.market, "1s", 2_000, "f1") is None
    assert registry.champion(on.market, "1m", 5_000, "f1") is None


def test_model_without_a_champion_is_none(
    registry: ModelRegistry,
    client: Any,
    on: TrainedOn,
    make_model: Callable[..., TrainedModel],
) -> None:
    registry.log(make_model(), on, PARAMETERS)
    client.delete_registered_model_alias(model_name(on.market, "1s", 1_000), CHAMPION)
    assert registry.champion(on.market, "1s", 1_000, "f1") is None


def test_run_says_what_the_model_was_trained_on_how_and_how_good_it_is(
    registry: ModelRegistry, client: Any, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    model = replace(make_model(latency_ms=30), trained_at_ms=123, validation={"lightgbm": 0.6})
    settings = PredictorSettings.model_validate({"model": {"hyperparameters": {"max_depth": 3}}})
    registry.log(model, on, parameters_of(settings))
    version = client.get_model_version_by_alias(model_name(on.market, "1s", 1_000), CHAMPION)
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    assert run.data.tags["market"] == on.market
    expected = {
        "market": on.market,
        "timeframe": "1s",
        "first_close_ms": "1000",
        "last_close_ms": "99000",
        "feature_set": "f1",
        "label": "fair",
        "horizon_ms": "1000",
        "latency_ms": "30",
        "champion": "imbalance_sign",
        "learner": "lightgbm",
        "hyperparameters": "{'max_depth': 3}",
    }
    assert expected.items() <= run.data.params.items()
    assert run.data.metrics["log_loss.lightgbm"] == 0.6
    assert run.data.metrics["rows"] == 100
    assert run.data.metrics["trained_at_ms"] == 123


def test_each_version_has_a_card_that_says_what_it_is_and_what_it_is_not_for(
    registry: ModelRegistry, on: TrainedOn, client: Any, make_model: Callable[..., TrainedModel]
) -> None:
    model = replace(make_model(latency_ms=30), validation={"lightgbm": 0.6})
    version = registry.log(model, on, PARAMETERS)
    name = model_name(on.market, on.timeframe, model.horizon_ms)
    card = client.get_model_version(name, str(version)).description
    assert f"**{on.market}, {model.horizon_ms / 1_000:g} s ahead of closes of 1s**" in card
    assert "from 1970-01-01T00:00:01.000Z to 1970-01-01T00:01:39.000Z" in card
    assert "bought and sold at, since there were no quotes" in card
    assert "outcomes begin 30 ms after a close" in card
    assert "lightgbm 0.6000" in card
    assert all(name in card for name in model.champion.columns)
    assert "Not for other markets" in card


def test_a_card_is_never_longer_than_mlflow_takes(make_model: Callable[..., TrainedModel]) -> None:
    model = make_model()
    names = tuple(f"a_feature_with_a_long_name_{number}" for number in range(400))
    wide = replace(model, champion=replace(model.champion, columns=names))
    card = card_of(wide, ON, None)
    assert len(card) < 5_000
    assert "and 3" in card
    assert card.endswith("`realtime models show`.")


def test_champion_of_other_features_is_refused(
    registry: ModelRegistry, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    registry.log(make_model(), on, PARAMETERS)
    with pytest.raises(InputError, match="version 1 was trained on feature set f1, and f2"):
        registry.champion(on.market, "1s", 1_000, "f2")


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_damaged_champion_is_refused_and_the_next_one_serves(
    registry: ModelRegistry,
    client: Any,
    folder: Path,
    on: TrainedOn,
    make_model: Callable[..., TrainedModel],
    damage: str,
) -> None:
    on = replace(on, market=f"simulator:{damage.upper()}/USDT")
    registry.log(make_model(), on, PARAMETERS)
    path = artifact_of(client, on)
    assert path.is_relative_to(folder / "mlflow-artifacts")
    if damage == "gone":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[:-9] if damage == "cut" else whole.replace(b"100", b"101"))
    with pytest.raises(InputError, match="version 1"):
        registry.champion(on.market, "1s", 1_000, "f1")
    registry.log(make_model(), on, PARAMETERS)
    assert registry.champion(on.market, "1s", 1_000, "f1") == replace(make_model(), version="2")


_WRITER = """
import sys
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.registry.mlflow import ModelRegistry
from predictor.training.candidates import Candidate
from predictor.training.fitting import TrainedModel
sys.path.insert(0, sys.argv[2])
from conftest import _model
from test_registry import ON, PARAMETERS
registry = ModelRegistry(sys.argv[1])
for _ in range(10):
    registry.log(_model(), ON, PARAMETERS)
"""


def test_one_process_reads_while_another_writes_and_neither_says_a_word(
    registry: ModelRegistry, folder: Path, make_model: Callable[..., TrainedModel]
) -> None:
    here = str(Path(__file__).parent)
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, uri_of(folder), here], stderr=subprocess.PIPE, text=True
    )
    with writer:
        seen = set()
        while writer.poll() is None:
            champion = registry.champion(ON.market, "1s", 1_000, "f1")
            seen.add("none" if champion is None else champion.version)
        assert writer.stderr is not None
        assert writer.stderr.read() == ""
    assert writer.returncode == 0
    assert len(seen) > 2
    assert registry.champion(ON.market, "1s", 1_000, "f1") == replace(make_model(), version="10")


def test_new_file_is_made_without_a_word_and_a_moved_folder_goes_on(
    tmp_path: Path, make_model: Callable[..., TrainedModel], capfd: pytest.CaptureFixture[str]
) -> None:
    registry = ModelRegistry(uri_of(tmp_path / "old"))
    registry.log(make_model(), ON, PARAMETERS)
    shutil.move(tmp_path / "old", tmp_path / "new")
    moved = ModelRegistry(uri_of(tmp_path / "new"))
    with pytest.raises(InputError, match="artifact cannot be read"):
        moved.champion(ON.market, "1s", 1_000, "f1")
    assert moved.log(make_model(), ON, PARAMETERS) == 2
    assert moved.champion(ON.market, "1s", 1_000, "f1") == replace(make_model(), version="2")
    assert not (tmp_path / "old").exists()
    assert capfd.readouterr() == ("", "")


def test_file_that_is_no_database_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_text("something else, and long enough to be looked at" * 9)
    with pytest.raises(StateError, match=r"mlflow\.sqlite failed \(file is not a database\)"):
        ModelRegistry(uri_of(tmp_path))


def test_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="MLFLOW_TRACKING_URI"):
        ModelRegistry(uri_of(tmp_path / "file" / "state"))


def test_artifacts_that_cannot_be_written_leave_the_champion_and_a_failed_run(
    tmp_path: Path, make_model: Callable[..., TrainedModel]
) -> None:
    from mlflow import MlflowClient

    registry = ModelRegistry(uri_of(tmp_path))
    registry.log(make_model(), ON, PARAMETERS)
    artifacts = tmp_path / "mlflow-artifacts"
    artifacts.rename(tmp_path / "aside")
    artifacts.touch()
    with pytest.raises(StateError, match=r"mlflow\.sqlite failed"):
        registry.log(make_model(), ON, PARAMETERS)
    artifacts.unlink()
    (tmp_path / "aside").rename(artifacts)
    assert registry.champion(ON.market, "1s", 1_000, "f1") == replace(make_model(), version="1")
    client = MlflowClient(uri_of(tmp_path), uri_of(tmp_path))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    statuses = [run.info.status for run in client.search_runs([experiment.experiment_id])]
    assert sorted(statuses) == ["FAILED", "FINISHED"]


@contextmanager
def server(folder: Path, port: int) -> Iterator[str]:
    """Run MLflow's own server on this machine."""
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", uri_of(folder),
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, folder / "log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it starts workers of its own
        process.wait()


def wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"no server: {log.read_text()}")


@pytest.mark.slow
def test_server_serves_as_registry_and_its_absence_is_said_soon(
    tmp_path: Path, make_model: Callable[..., TrainedModel]
) -> None:
    with server(tmp_path, free_port()) as url:
        registry = ModelRegistry(url)
        assert registry.champion(ON.market, "1s", 1_000, "f1") is None
        assert registry.log(make_model(), ON, PARAMETERS) == 1
        assert registry.log(make_model(hit_rate=0.9), ON, PARAMETERS) == 2
        expected = replace(make_model(hit_rate=0.9), version="2")
        assert ModelRegistry(url).champion(ON.market, "1s", 1_000, "f1") == expected
        assert list((tmp_path / "artifacts").rglob("model.json"))  # by proxy, not from here
    started = time.monotonic()
    with pytest.raises(StateError, match=f"the model registry at {url} failed"):
        registry.log(make_model(), ON, PARAMETERS)
    assert time.monotonic() - started < 15


@pytest.mark.slow
def test_what_was_trained_while_the_server_was_away_is_registered_in_order_when_it_is_back(
    tmp_path: Path, make_market: Callable[..., Any], make_model: Callable[..., TrainedModel]
) -> None:
    market, port = make_market(), free_port()
    job = TrainingJob(
        ON.market, market.table, market.prices, (1_000,), PredictorSettings(), 0, 0, "mid", "f1"
    )  # fmt: skip
    wanted = Wanted((job.market,), (1_000,), "f1")
    models = [
        {1_000: replace(make_model(hit_rate=rate), trained_at_ms=n)}
        for n, rate in enumerate((0.6, 0.7, 0.8), 1)
    ]
    where = Registration(f"http://127.0.0.1:{port}", "1s", tmp_path / "state")
    with server(tmp_path, port):
        registrar = Registrar(where)
        named, complaints = registrar.register(job, models[0])
        assert (named[1_000].version, complaints) == ("1", ())
    for each in models[1:]:
        named, (complaint,) = registrar.register(job, each)
        assert "failed" in complaint
    restarted = Registrar(where)
    assert restarted.unregistered == 2
    champions, (complaint,) = restarted.champions(wanted)
    assert champions[job.market] == named
    assert named[1_000] == replace(models[2][1_000], version="unregistered-3")
    with server(tmp_path, port) as url:
        champions, complaints = restarted.champions(wanted)
        assert champions[job.market] == {1_000: replace(models[2][1_000], version="3")}
        assert (restarted.unregistered, complaints) == (0, ())
        from mlflow import MlflowClient

        name = model_name(job.market, "1s", 1_000)
        second = MlflowClient(url, url).get_model_version(name, "2")
        assert second.tags == {
            "feature_set": "f1", "served_as": "unregistered-2", "terms": '[[2,"trained anew"]]',
        }  # fmt: skip


def _evidence(*, promoted: bool) -> Evidence:
    score = Share(90, 80.0, 0.7, 0.6, 0.8)
    evaluation = Evaluation(
        model="logistic", label="fair", horizon_ms=1_000, latency_ms=0, trials=1, rows=100,
        incomplete=0, unlabelled=0, seconds=1.0, verdict="skill", score=score,
    )  # fmt: skip
    return Evidence(
        evaluation, promoted=promoted, reason="because", data="d" * 64, sources=["a.csv"],
        pictures={"calibration.svg": b"<svg/>"},
        answers=Answers(np.array([1_000, 2_000]), np.array([0.4, 0.6])),
    )  # fmt: skip


def test_challenger_leaves_the_champion_whose_evaluation_is_there_for_the_next(
    registry: ModelRegistry, client: Any, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    shown = on.market, "1s", 1_000
    assert registry.champion_evaluation(*shown) is None
    assert registry.log(make_model(hit_rate=0.6), on, PARAMETERS) == 1
    assert registry.champion_evaluation(*shown) is None  # nobody walked it forward
    kept = _evidence(promoted=True)
    assert registry.log(make_model(hit_rate=0.7), on, PARAMETERS, kept) == 2
    assert registry.log(make_model(hit_rate=0.8), on, PARAMETERS, _evidence(promoted=False)) == 3
    champion = registry.champion(*shown, "f1")
    assert champion == replace(make_model(hit_rate=0.7), version="2")
    assert registry.champion_evaluation(*shown) == kept.evaluation
    assert registry.challengers(*shown) == 1
    answers = registry.champion_answers(*shown)
    assert answers is not None
    assert answers.at(np.array([2_000])).tolist() == [0.6]
    version = client.get_model_version_by_alias(model_name(*shown), CHALLENGER)
    assert version.version == 3
    run = client.get_run(version.run_id)
    assert run.data.tags["promotion"] == "because"
    assert run.data.metrics["evaluation.accuracy"] == 0.7


def test_evaluation_that_is_damaged_is_said(
    registry: ModelRegistry, client: Any, on: TrainedOn, make_model: Callable[..., TrainedModel]
) -> None:
    assert registry.challengers(on.market, "1s", 1_000) == 0
    assert registry.champion_answers(on.market, "1s", 1_000) is None
    registry.log(make_model(), on, PARAMETERS, _evidence(promoted=True))
    artifact_of(client, on).with_name("evaluation.json").write_text("{")
    with pytest.raises(StateError, match=r"version 1: its evaluation\.json cannot be read"):
        registry.champion_evaluation(on.market, "1s", 1_000)


@pytest.mark.slow
def test_what_serves_is_registered_anew_where_a_registry_begins_anew(
    tmp_path: Path, make_market: Callable[..., Any], make_model: Callable[..., TrainedModel]
) -> None:
    market = make_market()
    job = TrainingJob(
        ON.market, market.table, market.prices, (1_000,), PredictorSettings(), 0, 0, "mid", "f1"
    )  # fmt: skip
    wanted = Wanted((job.market,), (1_000,), "f1")
    for rate in (0.6, 0.7):
        models = {1_000: replace(make_model(hit_rate=rate), trained_at_ms=int(10 * rate))}
        named, _ = Registrar(Registration(uri_of(tmp_path), "1s", tmp_path)).register(job, models)
    assert named[1_000].version == "2"
    new = tmp_path / "new"
    new.mkdir()
    registrar = Registrar(Registration(uri_of(new), "1s", tmp_path))
    champions, complaints = registrar.champions(wanted)
    assert complaints == ()
    assert champions[job.market] == {1_000: replace(named[1_000], version="1")}
    registry = ModelRegistry(uri_of(new))
    assert registry.champion(job.market, "1s", 1_000, "f1") == champions[job.market][1_000]
    again = Registrar(Registration(uri_of(new), "1s", tmp_path))
    assert again.champions(wanted) == (champions, ())
    registry._client.delete_registered_model_alias(model_name(job.market, "1s", 1_000), CHAMPION)
    assert again.champions(wanted) == ({job.market: {}}, ())  # whoever took it away meant it


@pytest.mark.slow
def test_what_had_to_be_done_to_the_file_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE _alembic_tmp_runs (run_uuid TEXT)")
    registrar = Registrar(Registration(uri_of(tmp_path), "1s", tmp_path))
    wanted = Wanted(("simulator:BTC/USDT",), (1_000,), "f1")
    (said,) = registrar.champions(wanted)[1]
    assert said == "mlflow.sqlite was half laid out or old, and has been migrated"
    assert registrar.champions(wanted)[1] == ()
