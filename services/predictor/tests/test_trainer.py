"""The training process as `realtime run` uses it: jobs in, models out, a registry behind it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.metrics import Metrics
from predictor.registry import native
from predictor.registry.mlflow import ModelRegistry
from predictor.settings import ModelSettings, PredictorSettings
from predictor.training.child import Trainer
from predictor.training.fitting import TrainedModel
from predictor.training.process import TrainerProcess, _attempted, _serve
from predictor.training.requests import Registration, Reply, registry_uri
from predictor.training.retraining import TrainingJob

MARKET = "simulator:BTC/USDT"
NAMES = ("imbalance", "noise")
HORIZONS_MS = (1_000, 2_000)

type Results = Callable[[], dict[str, float]]


def make_job(rows: int = 400, *, features: tuple[str, ...] = NAMES) -> TrainingJob:
    """A market whose next move goes where the imbalance points, four times out of five."""
    random = np.random.default_rng(0)
    values = random.uniform(-1, 1, size=(rows, len(NAMES)))
    follows = np.where(random.random(rows) < 0.8, 1e-4, -1e-4)
    steps = np.concatenate(([0.0], np.cumsum(np.sign(values[:, 0]) * follows)))
    mid = 100 * np.exp(steps)
    times = 1_000 * np.arange(rows + 1, dtype=np.int64)
    table = FeatureTable(
        times[:-1], NAMES, values, mid[:-1], mid[:-1], mid[:-1], np.ones(rows, np.bool_)
    )
    settings = PredictorSettings(model=ModelSettings(type="lightgbm"), features=list(features))
    return TrainingJob(
        market=MARKET,
        table=table,
        prices=PriceSeries(times, mid, mid, 1_000),
        horizons_ms=HORIZONS_MS,
        settings=settings,
        trained_at_ms=int(times[-1]),
        latency_ms=0,
        feature_set="f1",
    )


def registration(folder: Path) -> Registration:
    return Registration(f"sqlite:///{folder / 'mlflow.sqlite'}", "1s", folder / "state")


@contextmanager
def trainer_process(
    where: Registration | None = None, metrics: Metrics | None = None
) -> Iterator[tuple[TrainerProcess, Results]]:
    """Run the process; the second is how many trainings ended in which way."""
    metrics = metrics or Metrics(CollectorRegistry())
    trainer = TrainerProcess(metrics, where)

    def results() -> dict[str, float]:
        (family,) = metrics.model_trainings.collect()
        return {
            sample.labels["result"]: sample.value
            for sample in family.samples
            if sample.name.endswith("_total")
        }

    try:
        yield trainer, results
    finally:
        trainer.stop()


async def trained(trainer: TrainerProcess, job: TrainingJob) -> Mapping[int, TrainedModel]:
    """Have a job run, and wait for what is installed."""
    models: asyncio.Future[Mapping[int, TrainedModel]] = asyncio.get_running_loop().create_future()
    trainer.execute(job, lambda found, *_why: models.set_result(found))
    return await models


def child_pid() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid is not None
    return child.pid


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something; the test's time-out ends it."""
    while not condition():
        time.sleep(0.05)


def break_registry(folder: Path) -> None:
    (folder / "mlflow.sqlite").write_text("no database, and long enough to be looked at " * 9)


def mend_registry(folder: Path) -> None:
    for path in folder.glob("mlflow.sqlite*"):
        path.unlink()


def damage_model_of(horizon_ms: int, folder: Path) -> None:
    for path in folder.glob("mlflow-artifacts/**/model.json"):
        if f'"horizon_ms": {horizon_ms}' in path.read_text():
            path.write_bytes(path.read_bytes()[:-1])


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What is logged as a warning or worse."""
    said: list[str] = []
    number = logger.add(said.append, level="WARNING", format="{message} {extra}")
    yield said
    logger.remove(number)


def test_trained_models_are_registered_and_a_new_process_loads_those_that_are_whole(
    tmp_path: Path, warnings: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    async def first() -> list[Mapping[int, TrainedModel]]:
        with trainer_process(registration(tmp_path)) as (trainer, results):
            assert await trainer.champions([MARKET], HORIZONS_MS, "f1") == {MARKET: {}}
            job = make_job()
            models = [await trained(trainer, job), await trained(trainer, job)]
            assert results() == {"trained": 2}
            return models

    async def second() -> Mapping[int, TrainedModel]:
        with trainer_process(registration(tmp_path)) as (trainer, _):
            loaded = await trainer.champions(
                [MARKET, "simulator:ETH/USDT"], [*HORIZONS_MS, 9_000], "f1"
            )
            assert loaded["simulator:ETH/USDT"] == {}
            return loaded[MARKET]

    one, two = asyncio.run(first())
    assert [model.version for model in one.values()] == ["1", "1"]
    assert [model.version for model in two.values()] == ["2", "2"]
    assert warnings == []
    damage_model_of(2_000, tmp_path)
    loaded = asyncio.run(second())
    assert native.dump(loaded[2_000]) == native.dump(two[2_000])  # a copy in the state folder
    before, after = two[1_000], loaded[1_000]
    assert (after.version, after.validation) == ("2", before.validation)
    asked = make_job().table.columns(before.champion.columns)
    np.testing.assert_array_equal(
        after.champion.up.probability(asked), before.champion.up.probability(asked)
    )
    assert len(warnings) == 1
    assert "simulator-BTC-USDT-1s-2000ms version 2: the model cannot be read" in warnings[0]
    assert capfd.readouterr().err == ""


# MLflow's own, of how it uses its database layer: hidden where Python's defaults hold.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_models_serve_while_the_registry_is_away_and_are_registered_in_order_once_it_is_back(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictor.training.process._REGISTER_EVERY_S", 0.2)
    break_registry(tmp_path)
    collected = CollectorRegistry()
    metrics, waiting = Metrics(collected), collected.get_sample_value
    where = registration(tmp_path)

    async def away() -> Mapping[int, TrainedModel]:
        with trainer_process(where, metrics) as (trainer, results):
            await trained(trainer, make_job())
            assert len(warnings) == 1
            assert "Not kept of a training" in warnings[0]
            assert "file is not a database" in warnings[0]
            models = await trained(trainer, make_job(rows=500))
            assert results() == {"trained": 2}
            assert waiting("realtime_models_unregistered") == 4
            return models

    async def back() -> dict[str, dict[int, TrainedModel]]:
        with trainer_process(where, metrics) as (trainer, _):  # another one, after a restart
            served = await trainer.champions([MARKET], HORIZONS_MS, "f1")
            assert waiting("realtime_models_unregistered") == 4
            mend_registry(tmp_path)
            await asyncio.to_thread(
                wait_until, lambda: waiting("realtime_models_unregistered") == 0
            )
            assert (await trainer.champions([MARKET], [1_000], "f1"))[MARKET][1_000].version == "2"
            return served

    models = asyncio.run(away())
    assert [model.version for model in models.values()] == ["unregistered-500000"] * 2
    served = asyncio.run(back())[MARKET]
    assert list(map(native.dump, served.values())) == list(map(native.dump, models.values()))
    assert len(warnings) == 3  # one a training, and one when champions were asked for
    served_as = [version.tags["served_as"] for version in versions_of(where)]
    assert served_as == ["unregistered-400000", "unregistered-500000"]
    assert list((where.state / "models").rglob("*.json")) == [
        where.state / "models" / f"simulator-BTC-USDT-1s-{horizon_ms}ms" / "champion.json"
        for horizon_ms in HORIZONS_MS
    ]


def versions_of(where: Registration) -> list[Any]:
    """The versions of the first horizon's model, the oldest first."""
    ModelRegistry(where.uri)  # has MLflow say nothing, which is settled when it is imported
    from mlflow import MlflowClient

    client = MlflowClient(where.uri, where.uri)
    found = client.search_model_versions("name = 'simulator-BTC-USDT-1s-1000ms'")
    return sorted(found, key=lambda version: int(version.version))


def test_without_a_registry_there_are_models_and_no_champions() -> None:
    async def run() -> None:
        with trainer_process() as (trainer, results):
            assert await trainer.champions([MARKET], [1_000], "f1") == {}
            models = await trained(trainer, make_job())
            assert [model.version for model in models.values()] == ["400000", "400000"]
            assert await trained(trainer, make_job(rows=10)) == {}
            assert results() == {"trained": 1, "too little data": 1}

    asyncio.run(run())


def test_process_stays_out_of_the_way_and_its_failures_leave_the_models(
    warnings: list[str],
) -> None:
    async def run() -> None:
        with trainer_process() as (trainer, results):
            broken = replace(make_job(), horizons_ms=(None,))  # type: ignore[arg-type]
            assert await trained(trainer, broken) == {}
            assert os.getpriority(os.PRIO_PROCESS, child_pid()) == 10
            models = await trained(trainer, make_job())
            assert models.keys() == set(HORIZONS_MS)
            assert results() == {"failed": 1, "trained": 1}

    asyncio.run(run())
    assert len(warnings) == 1
    assert "Training failed" in warnings[0]


def test_training_set_that_is_not_what_it_has_to_be_is_refused_by_name(
    tmp_path: Path, warnings: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    where = registration(tmp_path)
    folder = where.state / "data-docs"

    async def run() -> None:
        with trainer_process(where) as (trainer, results):
            assert await trained(trainer, make_job(features=("unknown",))) == {}
            assert await trained(trainer, make_job())
            assert results() == {"refused": 1, "trained": 1}
            await asyncio.to_thread(
                wait_until, lambda: any(folder.glob("simulator-BTC-USDT/*/index.html"))
            )

    asyncio.run(run())
    assert len(warnings) == 1
    assert "Training refused" in warnings[0]
    assert "schema: unknown is not there" in warnings[0]
    assert capfd.readouterr().err == ""


def test_killed_process_is_started_again(warnings: list[str]) -> None:
    async def run() -> None:
        with trainer_process() as (trainer, results):
            waiting = asyncio.create_task(trained(trainer, make_job()))
            await asyncio.sleep(0)  # the job is on its way
            os.kill(child_pid(), signal.SIGKILL)
            assert await waiting == {}
            assert await trained(trainer, make_job())
            assert results() == {"failed": 1, "trained": 1}

    asyncio.run(run())
    assert "the training process ended" in warnings[0]


def test_what_goes_wrong_comes_back_as_an_answer_and_the_line_stays_usable(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Unlucky(Trainer):
        def prepare(self) -> None:
            raise ValueError("base_directory must be absolute")

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(os, "nice", lambda step: step)
    monkeypatch.setattr("predictor.training.child.Trainer", Unlucky)
    monkeypatch.setattr("predictor.training.process._IDLE_S", 0.01)
    ours, theirs = multiprocessing.Pipe()
    prepared = threading.Event()
    monkeypatch.setattr("predictor.training.process._attempted", noting(prepared))
    serving = threading.Thread(target=_serve, args=(theirs, None))
    serving.start()
    assert prepared.wait(60)
    ours.send(replace(make_job(), horizons_ms=(None,)))  # type: ignore[arg-type]
    failed: Reply = ours.recv()
    assert failed.failure is not None
    assert "TypeError" in failed.failure
    assert failed.complaints == ("ValueError: base_directory must be absolute",)
    ours.send(make_job())
    assert ours.recv().models[MARKET].keys() == set(HORIZONS_MS)
    ours.close()
    serving.join(60)
    assert not serving.is_alive()
    assert capfd.readouterr().err == ""


def noting(prepared: threading.Event) -> Callable[[Callable[[], object]], Reply]:
    """What attempts work, and notes when something failed."""

    def attempt(work: Callable[[], object]) -> Reply:
        reply = _attempted(work)
        if reply.failure is not None:
            prepared.set()
        return reply

    return attempt


def test_registration_in_a_folder_named_relatively_works_for_each_training(
    tmp_path: Path,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    where = Registration("sqlite:///mlflow.sqlite", "1s", Path("state"))
    docs = tmp_path / "state" / "data-docs" / "simulator-BTC-USDT"

    async def run() -> None:
        with trainer_process(where) as (trainer, results):
            await trained(trainer, make_job())
            await asyncio.to_thread(wait_until, lambda: any(docs.glob("*/index.html")))
            models = await trained(trainer, make_job(rows=500))
            assert [model.version for model in models.values()] == ["2", "2"]
            assert results() == {"trained": 2}

    asyncio.run(run())
    assert warnings == []
    assert capfd.readouterr().err == ""


def test_stop_takes_less_than_two_seconds_and_calls_nobody(warnings: list[str]) -> None:
    async def run() -> None:
        called: list[object] = []
        with trainer_process() as (trainer, results):
            trainer.execute(make_job(rows=5_000), lambda found, *_why: called.append(found))
            champions = asyncio.create_task(trainer.champions([MARKET], [1_000], "f1"))
            await asyncio.sleep(0)
            started = time.monotonic()
            trainer.stop()
            assert time.monotonic() - started < 2
            assert await champions == {}
            assert results() == {}
        assert called == []
        assert multiprocessing.active_children() == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "uri"),
    [
        (PredictorSettings(), "sqlite:////somewhere/state/mlflow.sqlite"),
        (PredictorSettings(mlflow_tracking_uri="http://mlflow:5000"), "http://mlflow:5000"),
    ],
    ids=["not set", "set"],
)
def test_registry_is_a_file_in_the_state_folder_unless_one_was_named(
    settings: PredictorSettings, uri: str
) -> None:
    assert registry_uri(settings.mlflow_tracking_uri, Path("/somewhere/state")) == uri


def test_few_rows_leave_the_model_of_many_serving_and_say_so(tmp_path: Path) -> None:
    trainer = Trainer(registration(tmp_path))
    first = trainer.answer(make_job()).models[MARKET]
    serving = {horizon_ms: replace(model, rows=4_000) for horizon_ms, model in first.items()}
    reply = trainer.answer(replace(make_job(), trained_at_ms=400_000, serving=serving))
    assert reply.models == {}
    assert tuple(reply.stays) == HORIZONS_MS
    assert "of 4000 rows serves on" in reply.stays[HORIZONS_MS[0]]
    assert reply.complaints == ()


def test_a_training_tells_how_its_features_were_and_what_loss_is_to_be_expected() -> None:
    reply = Trainer(None).answer(make_job(3_000))
    assert set(reply.distributions) == set(NAMES)
    (models,) = reply.models.values()
    losses = {horizon_ms: model.expected_loss for horizon_ms, model in models.items()}
    # Who knows the direction four times out of five, and says so, loses 0.8 * 0.2 in the mean.
    assert losses[1_000] == pytest.approx(0.16, abs=0.04)
    assert losses.keys() == set(HORIZONS_MS)


def test_of_few_rows_no_loss_is_to_be_expected() -> None:
    (models,) = Trainer(None).answer(make_job(400)).models.values()
    assert {model.expected_loss for model in models.values()} == {None}
