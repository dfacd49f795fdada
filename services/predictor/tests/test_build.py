"""The predictor as a part: what it hears, trains, publishes and begins with again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace as replace_model
from itertools import count, repeat
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from marketstream.errors import SettingsError
from marketstream.fakes import FakePorts
from marketstream.messages import Features, Feed, HowFar, Learning, Model, Prediction, Status
from marketstream.plan import Plan
from marketstream.ports import Part
from marketstream.topics import FEATURES, PREDICTIONS
from predictor.build import build
from predictor.registry.mlflow import ModelRegistry
from predictor.registry.names import model_name
from predictor.serving.operator import Predictor
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.requests import registry_uri
from predictor.training.retraining import TrainedOn

MARKET = "binance:BTC/USDT"
PLAN = Plan((MARKET, "binance:ETH/USDT"), "1s", (1,), ("1s",))
LIVE_NS = 1
WITHIN_S = 300.0  # the training process is polite, and machines are busy


@pytest.fixture
def ports(tmp_path: Path) -> FakePorts:
    return FakePorts(tmp_path)


@pytest.fixture(autouse=True)
def only_one_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the first takes so long that enough for the next has come by then."""
    monkeypatch.setattr("predictor.training.retraining._SMALL_SETS_MS", ())


@pytest.fixture
def settings(make_settings: Callable[..., PredictorSettings]) -> PredictorSettings:
    settings = make_settings(first_after=100, retrain_interval=100_000)
    gates = settings.gates.model_copy(update={"ranges": {}})  # these are normal numbers
    return settings.model_copy(update={"gates": gates})


@pytest.fixture(scope="module")
def closes(
    make_market: Callable[..., Any], make_features: Callable[..., Features]
) -> list[Features]:
    """What a market of 600 closes is told by its features."""
    table = make_market(600).table
    return [
        make_features(
            1_000 * row, float(table.mid[row]),
            **dict(zip(table.names, table.values[row].tolist(), strict=True)),
        )
        for row in range(600)
    ]  # fmt: skip


@asynccontextmanager
async def working(part: Part) -> AsyncIterator[None]:
    """Have a part work beside the test, in its event loop, as in one process."""
    assert part.work is not None
    work = asyncio.ensure_future(part.work())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait([work])


@contextmanager
def working_elsewhere(part: Part) -> Iterator[None]:
    """Have a part work in the event loop of another thread, as on Kafka."""
    running, ends = Event(), []

    async def work() -> None:
        assert part.work is not None
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        ends.append(lambda: loop.call_soon_threadsafe(done.set))
        task = asyncio.ensure_future(part.work())
        running.set()
        await done.wait()
        task.cancel()
        await asyncio.wait([task])

    thread = Thread(target=asyncio.run, args=(work(),))
    thread.start()
    assert running.wait(WITHIN_S)
    try:
        yield
    finally:
        ends[0]()
        thread.join()


def learnings(ports: FakePorts, market: str = MARKET) -> list[Learning]:
    said = [message for message, _ in ports.published if isinstance(message, Status)]
    assert {status.part for status in said} <= {"predictor"}
    return [
        status.said
        for status in said
        if status.market == market and isinstance(status.said, Learning)
    ]


def seen_ms(ports: FakePorts) -> int:
    """How much of the market has been seen, by what was said last."""
    return max((one.seen_ms for one in learnings(ports)), default=0)


def models(ports: FakePorts) -> list[Model]:
    return [message for message, _ in ports.published if isinstance(message, Model)]


def on(closes: list[Features]) -> Iterator[Features]:
    """Go on with the same market again and again, each close a second after the one before."""
    return (replace(closes[i % 600], close_time_ms=600_000 + 1_000 * i) for i in count())


async def heard(
    ports: FakePorts, closes: Iterator[Features], received_ns: int, until: Callable[[], bool]
) -> None:
    """Have the part hear closes, one each hundredth of a second, until something is so."""
    async with asyncio.timeout(WITHIN_S):
        for close in closes:
            if until():
                return
            ports.pass_on(close, received_ns)
            await asyncio.sleep(0.01)


async def trained_once(part: Part, ports: FakePorts, closes: list[Features]) -> None:
    """Run a part on a past, then live, until its first model serves and it has said so."""
    async with working(part):
        for close in closes:
            ports.pass_on(close, 0)
        await heard(ports, repeat(closes[-1]), 0, lambda: len(learnings(ports)) > 1)
        bounds_ms = {60_000: 1_260_000, 300_000: 6_300_000, 900_000: 18_900_000}
        how_far = HowFar(("volatility", "range"), 599_000, 20_000, bounds_ms)
        assert learnings(ports)[-1] == Learning(
            599_000, 100_000, book=True, trainings={}, how_far=how_far
        )
        live = on(closes)
        await heard(ports, live, LIVE_NS, lambda: bool(models(ports)))
        await heard(ports, live, LIVE_NS, lambda: learnings(ports)[-1].trainings == {1_000: 1})


def test_market_is_trained_once_it_is_live_and_what_serves_is_published(
    ports: FakePorts, settings: PredictorSettings, closes: list[Features]
) -> None:
    part = build(PLAN, settings, ports)
    predictor = part.stages[0].make_operator(MARKET).predictor
    assert isinstance(predictor, Predictor)

    asyncio.run(trained_once(part, ports, closes))
    (model,) = models(ports)
    assert (model.market, model.timeframe, model.horizon_ms) == (MARKET, "1s", 1_000)
    assert model.rows > 500
    assert set(model.metrics) == {
        "imbalance_calibrated",
        "imbalance_sign",
        "logistic_five",
        "logistic",
    }
    served = predictor.models[1_000]
    assert (served.champion.name, served.version) == (model.name, model.version)
    assert not learnings(ports, "binance:ETH/USDT")  # nothing was heard of it
    (family,) = ports.metrics.model_trained.collect()
    (sample,) = family.samples
    assert sample.value == served.trained_at_ms / 1_000


def test_where_quotes_lag_predictions_begin_once_they_are_there(
    ports: FakePorts, settings: PredictorSettings, closes: list[Features]
) -> None:
    part = build(PLAN, settings, ports)
    predictor = part.stages[0].make_operator(MARKET).predictor
    assert isinstance(predictor, Predictor)
    feed = Feed(connected=True, reconnects=0, missing_trades=0, quote_lag_ms=300)
    ports.pass_on(Status(MARKET, "trades", feed))
    asyncio.run(trained_once(part, ports, closes))
    assert predictor.models[1_000].latency_ms == 1_000, "a close of the base timeframe later"


def test_champions_and_the_past_are_there_before_the_first_close_after_a_stop(
    ports: FakePorts,
    settings: PredictorSettings,
    closes: list[Features],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("predictor.training.learning._CHAMPIONS_WITHIN_S", WITHIN_S)
    asyncio.run(trained_once(build(PLAN, settings, ports), ports, closes))
    (model,) = models(ports)
    after = FakePorts(ports.state)
    after.tails[FEATURES.name] = {MARKET: list(closes)}
    part = build(PLAN, settings, after)
    with working_elsewhere(part):
        predictor = part.stages[0].make_operator(MARKET).predictor
        assert isinstance(predictor, Predictor)
        (said,) = predictor.update(replace(closes[0], close_time_ms=600_000))
        assert isinstance(said, Prediction)
        assert (said.model_name, said.model_version) == ("average", model.version)
        assert f"{model.name}:{model.version}" in {each.model for each in said.candidates.values()}
    (champion,) = models(after)
    assert champion.identity == model.identity


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own
def test_a_champion_that_somebody_else_made_serves_without_a_restart(
    ports: FakePorts,
    settings: PredictorSettings,
    closes: list[Features],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("predictor.training.learning._LOOK_EVERY_S", 0.1)
    part = build(PLAN, settings, ports)
    name = model_name(MARKET, "1s", 1_000)

    async def promoted() -> Predictor:
        predictor = part.stages[0].make_operator(MARKET).predictor
        assert isinstance(predictor, Predictor)
        await trained_once(part, ports, closes)
        async with working(part):
            live = on(closes)
            await heard(ports, live, LIVE_NS, lambda: seen_ms(ports) > 600_000)
            registry = ModelRegistry(registry_uri(None, ports.state))
            served = registry.model(name, "1")
            on_rows = TrainedOn(MARKET, "1s", 0, 1, closes[0].feature_set, "mid")
            registry.log(replace_model(served, version="", why="by hand", since_ms=9), on_rows, {})
            await heard(ports, live, LIVE_NS, lambda: len(models(ports)) > 1)
        return predictor

    predictor = asyncio.run(promoted())
    first, second = models(ports)
    assert (first.version, first.since_ms, first.why) == ("1", first.trained_at_ms, "trained anew")
    assert (second.version, second.since_ms, second.why) == ("2", 9, "by hand")
    assert predictor.models[1_000].version == "2"


def test_close_said_before_a_stop_is_not_predicted_anew_and_its_outcome_is_as_late(
    ports: FakePorts,
    settings: PredictorSettings,
    closes: list[Features],
    make_model: Callable[..., TrainedModel],
) -> None:
    before = Predictor(MARKET, timeframe="1s", base="1s", horizons_ms=(1_000,))
    before.install({1_000: make_model(version="before")})
    (said,) = before.update(closes[0])
    assert isinstance(said, Prediction)
    said = replace(said, made_at_ms=5_000, latency_us=7, late=True)
    ports.tails[PREDICTIONS.name] = {MARKET: [said]}
    stage = build(PLAN, settings, ports).stages[0]
    predictor = stage.make_operator(MARKET)
    assert [stage.finish(each, LIVE_NS) for each in predictor.update(closes[0])] == [said]
    (outcome,) = (stage.finish(each, LIVE_NS) for each in predictor.update(closes[1]))
    assert outcome.late
    assert outcome.identity == said.identity


def test_what_a_preview_said_of_a_close_before_a_stop_is_predicted_all_the_same(
    ports: FakePorts,
    settings: PredictorSettings,
    closes: list[Features],
    make_model: Callable[..., TrainedModel],
) -> None:
    before = Predictor(MARKET, timeframe="1s", base="1s", horizons_ms=(1_000,))
    before.install({1_000: make_model(version="before")})
    (preview,) = before.update(replace(closes[0], forming=True))
    assert isinstance(preview, Prediction)
    assert preview.preview
    ports.tails[PREDICTIONS.name] = {MARKET: [preview]}
    predictor = build(PLAN, settings, ports).stages[0].make_operator(MARKET).predictor
    assert isinstance(predictor, Predictor)
    predictor.install({1_000: make_model(version="after")})
    (said,) = predictor.update(closes[0])
    assert isinstance(said, Prediction)
    assert not said.preview
    assert said.model_version == "after"


def test_feature_that_is_not_computed_stops_the_part(
    ports: FakePorts, make_settings: Callable[..., PredictorSettings], closes: list[Features]
) -> None:
    build(PLAN, make_settings(columns=("imbalance", "flow_99s")), ports)
    with pytest.raises(SettingsError, match=r"flow_99s is not computed: did you mean flow_1s\?"):
        ports.pass_on(closes[0], 0)


def test_forming_closes_are_not_remembered(
    ports: FakePorts, settings: PredictorSettings, closes: list[Features]
) -> None:
    part = build(PLAN, settings, ports)

    forming = (replace(close, close_time_ms=10**9, forming=True) for close in closes)

    async def listening() -> None:
        async with working(part):
            for close in closes[:3]:
                ports.pass_on(close, LIVE_NS)
            await heard(ports, forming, LIVE_NS, lambda: seen_ms(ports) >= 2_000)

    asyncio.run(listening())
    assert learnings(ports)[-1].seen_ms == 2_000


def test_forming_closes_from_before_a_stop_are_not_remembered(
    ports: FakePorts, settings: PredictorSettings, closes: list[Features]
) -> None:
    forming = [replace(close, close_time_ms=10**9, forming=True) for close in closes[3:6]]
    ports.tails[FEATURES.name] = {MARKET: [*closes[:3], *forming]}
    part = build(PLAN, settings, ports)
    with working_elsewhere(part):
        part.stages[0].make_operator(MARKET)
        asyncio.run(heard(ports, repeat(closes[3]), LIVE_NS, lambda: seen_ms(ports) >= 3_000))
    assert learnings(ports)[-1].seen_ms == 3_000


def test_why_a_training_brought_nothing_is_said_of_its_market(
    ports: FakePorts, settings: PredictorSettings, closes: list[Features]
) -> None:
    gates = settings.gates.model_copy(update={"ranges": {"imbalance": (-0.1, 0.1)}})
    part = build(PLAN, settings.model_copy(update={"gates": gates}), ports)

    def refused() -> bool:
        return bool(learnings(ports)) and learnings(ports)[-1].failure is not None

    async def learning() -> None:
        async with working(part):
            for close in closes:
                ports.pass_on(close, 0)
            await heard(ports, on(closes), LIVE_NS, refused)

    asyncio.run(learning())
    said = learnings(ports)[-1]
    assert said.failure is not None
    assert "range" in said.failure
    assert said.trainings == {}
    assert models(ports) == []
