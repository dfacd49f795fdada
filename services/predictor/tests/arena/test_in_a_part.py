"""The arena in the part, driven as in one process and as on Kafka: the same is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from marketstream.errors import SettingsError
from marketstream.fakes import FakePorts
from marketstream.messages import Features, Prediction
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import FEATURES, PREDICTIONS
from predictor.arena.abstentions import Abstentions
from predictor.arena.asking import Asker
from predictor.arena.endpoint import endpoint_of
from predictor.arena.loading import guests
from predictor.build import build
from predictor.serving.markets import Markets
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel

from .serving import serving, until

MARKET = "binance:BTC/USDT"
PLAN = Plan((MARKET,), "1s", (1,), ("250ms",))
STUB = f"{__package__}.stub"


async def answers(asked: dict[str, Any]) -> web.StreamResponse:
    """Say the second of the close, so that it shows which was asked about."""
    p_up = 0.5 + asked["close_time_ms"] / 100_000
    return web.json_response({"probabilities": {"1000": [1 - p_up, 0.0, p_up]}})


class Driven:
    """A stage whose market has a model, and an asker beside it, told of features as runners do."""

    def __init__(self, url: str, folder: Path, model: TrainedModel) -> None:
        settings = PredictorSettings.model_validate(
            {
                "arena": {"far": {"url": url}, "near": {"python": f"{STUB}:Follows"}},
                "features": ["imbalance", "flow_1s"],
            }
        )
        ports = FakePorts(folder)
        abstentions = Abstentions(ports.metrics)
        arena = guests(settings.arena, settings.features, PLAN, abstentions)
        markets = Markets(PLAN, ports, grace_ms=0, serve="average", guests=arena)
        endpoint = endpoint_of("far", settings.arena["far"])
        assert endpoint is not None
        self.asker = Asker([(endpoint, arena[0])], "1s", markets.tell, abstentions, lambda: 0)
        self.stage = markets.stage(lambda: None)
        markets.install(MARKET, {1_000: model})
        self.said: list[Prediction] = []

    def note(self, message: Any, received_ns: int) -> None:
        del received_ns
        if isinstance(message, Prediction):
            self.said.append(message)

    def publish(self, later: Callable[[Callable[[], None]], object] | None) -> Callable[..., None]:
        """Return what publishes a message, taps told later or, as on Kafka, between two."""
        runner = InProcessRunner([self.stage], later=later)
        runner.tap(FEATURES, self.asker.observe)
        runner.tap(PREDICTIONS, self.note)
        return runner.publish


async def feed(
    driven: Driven,
    make_features: Callable[..., Features],
    publish: Callable[..., None],
    asked: list[dict[str, Any]],
) -> None:
    """Publish five closes, each once what it is told has come, and base closes meanwhile."""
    handed = driven.asker._heard
    for row in range(1, 6):
        values = {"imbalance": 1.0, "flow_1s": 0.5}
        publish(make_features(1_000 * row, 100.0 + row, "250ms"), 1)
        publish(make_features(1_000 * row, 100.0 + row, **values), 1)
        await until(lambda row=row: len(asked) >= row and not handed.empty())  # type: ignore[misc]
        publish(make_features(1_000 * row + 750, 100.0 + row, "250ms"), 1)
        await asyncio.sleep(0)  # what is told later is told by then


def in_one_loop(driven: Driven, fed: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    async def run() -> None:
        asking = asyncio.create_task(driven.asker.run())
        await asyncio.sleep(0)
        try:
            await fed(driven.publish(asyncio.get_running_loop().call_soon))
        finally:
            asking.cancel()
            await asyncio.wait([asking])

    return run()


def in_two_threads(driven: Driven, fed: Callable[..., Coroutine[Any, Any, None]]) -> Any:
    async def run() -> None:
        asking = asyncio.create_task(driven.asker.run())
        await asyncio.sleep(0)
        runner = Thread(target=lambda: asyncio.run(fed(driven.publish(None))))
        runner.start()
        try:
            await asyncio.to_thread(runner.join)
        finally:
            asking.cancel()
            await asyncio.wait([asking])

    return run()


@pytest.mark.parametrize("drive", [in_one_loop, in_two_threads])
def test_each_close_has_what_was_asked_at_the_one_before_in_either_way_of_running(
    drive: Callable[..., Any],
    tmp_path: Path,
    make_features: Callable[..., Features],
    make_model: Callable[..., TrainedModel],
) -> None:
    async def run() -> Driven:
        async with serving(answers) as server:
            driven = Driven(server.url, tmp_path, make_model())
            await drive(driven, lambda publish: feed(driven, make_features, publish, server.asked))
            return driven

    first, *others = asyncio.run(run()).said
    assert set(first.candidates) == {"imbalance_sign", "near"}
    for row, each in enumerate(others, 2):
        assert set(each.candidates) == {"imbalance_sign", "near", "far"}
        assert each.candidates["far"].p_up == pytest.approx(0.5 + row / 100)
        assert each.candidates["far"].model == "arena/far:1"
        assert each.answers["far"] == "up"


def test_a_part_is_not_built_with_a_model_that_cannot_take_part(tmp_path: Path) -> None:
    settings = PredictorSettings.model_validate({"arena": {"mine": {"python": f"{STUB}:fails"}}})
    with pytest.raises(SettingsError, match=r"arena\.mine: .* no weights"):
        build(PLAN, settings, FakePorts(tmp_path))


def test_a_part_with_an_endpoint_works_until_it_is_cancelled(tmp_path: Path) -> None:
    settings = PredictorSettings.model_validate({"arena": {"far": {"url": "http://127.0.0.1:1"}}})
    part = build(PLAN, settings, FakePorts(tmp_path))

    async def run() -> None:
        assert part.work is not None
        working = asyncio.ensure_future(part.work())
        await asyncio.sleep(0.1)
        assert not working.done()
        working.cancel()
        await asyncio.wait([working])
        assert working.cancelled()

    asyncio.run(run())


def test_abstentions_are_a_metric_from_the_first_on(
    abstentions: Abstentions, registry: CollectorRegistry
) -> None:
    labels = {"model": "far", "reason": "late"}
    assert registry.get_sample_value("realtime_arena_abstentions_total", labels) is None
    abstentions.note("far", "late", "no answer within 500 ms")
    assert registry.get_sample_value("realtime_arena_abstentions_total", labels) == 1
