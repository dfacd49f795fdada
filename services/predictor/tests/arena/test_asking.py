"""Endpoints are asked beside the stream: what is late, wrong or hangs costs nobody else."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from marketstream.messages import Features
from predictor.arena.abstentions import Abstentions
from predictor.arena.answers import Abstained
from predictor.arena.asking import Asker, _session, ask
from predictor.arena.endpoint import MOST_BYTES, Endpoint, Question
from predictor.arena.guest import Guest

from .serving import Say, Server, serving, until

type MakeFeatures = Callable[..., Features]

MARKET = "binance:BTC/USDT"
QUESTION = Question(MARKET, "1s", 1_000, 2_000, [1_000, 5_000], {"flow_1s": 0.5})
GOOD = {"probabilities": {"1000": [0.1, 0.2, 0.7], "5000": None}}
SECRET = "Bearer s3cret"


def endpoint(url: str, name: str = "far", deadline_ms: int = 20_000) -> Endpoint:
    return Endpoint(name, url, deadline_ms, {"Authorization": SECRET})


def says(answer: Any) -> Say:
    async def say(asked: dict[str, Any]) -> web.StreamResponse:
        del asked
        return web.json_response(answer) if isinstance(answer, dict) else answer

    return say


async def hangs(asked: dict[str, Any]) -> web.StreamResponse:
    del asked
    await asyncio.sleep(3_600)
    raise AssertionError


def asked_once(say: Say, deadline_ms: int = 20_000) -> tuple[dict[int, float] | Abstained, Server]:
    async def run() -> tuple[dict[int, float] | Abstained, Server]:
        async with serving(say) as server:
            place = endpoint(server.url, deadline_ms=deadline_ms)
            async with _session(place) as session:
                return await ask(session, place, QUESTION), server

    return asyncio.run(run())


def test_an_endpoint_gets_the_vector_and_answers_by_horizon() -> None:
    said, server = asked_once(says(GOOD))
    assert said == {1_000: pytest.approx(0.875)}
    assert server.asked == [
        {
            "market": MARKET, "timeframe": "1s", "as_of_ms": 1_000, "close_time_ms": 2_000,
            "horizons_ms": [1_000, 5_000], "features": {"flow_1s": 0.5},
        }
    ]  # fmt: skip
    assert server.headers[0]["Authorization"] == SECRET


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        ({"probabilities": {"1000": [0.5, 0.5, 0.5]}}, "nonsense", "do not sum to 1"),
        ({"probabilities": {"1000": [0.5, 0.5]}}, "nonsense", "three numbers"),
        ({"probabilities": {"1000": ["a", 0, 1]}}, "nonsense", "is no {"),
        ({"p": 1}, "nonsense", "is no {"),
        (web.Response(body=b"{"), "nonsense", "is no {"),
        (web.Response(body=b" " * (MOST_BYTES + 1)), "nonsense", "longer than 65,536 bytes"),
        (web.Response(status=500), "failed", "HTTP 500"),
        (web.Response(status=204), "failed", "HTTP 204"),
        (web.Response(status=307, headers={"Location": "/predict"}), "failed", "HTTP 307"),
        (
            web.Response(
                body=gzip.compress(json.dumps(GOOD).encode()), headers={"Content-Encoding": "gzip"}
            ),
            "failed", "compressed",
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_an_abstention(answer: Any, reason: str, told: str) -> None:
    said, server = asked_once(says(answer))
    assert isinstance(said, Abstained)
    assert said.reason == reason
    assert told in said.what
    assert len(server.asked) == 1  # redirects are not followed


def test_no_answer_in_time_is_late_and_nobody_there_is_a_failure() -> None:
    said, _ = asked_once(hangs, deadline_ms=100)
    assert said == Abstained("late", "no answer within 100 ms")

    async def nobody() -> dict[int, float] | Abstained:
        place = endpoint("http://127.0.0.1:1/predict")
        async with _session(place) as session:
            return await ask(session, place, QUESTION)

    refused = asyncio.run(nobody())
    assert refused == Abstained("failed", "ClientConnectorError")


def guest(name: str) -> Guest:
    return Guest(name, f"arena/{name}:1", ("flow_1s",), frozenset({1_000, 5_000}))


class Market:
    """What a market's operator was told, and until when it has been seen."""

    def __init__(self) -> None:
        self.seen_ms = 0
        self.told: list[tuple[str, int, dict[int, float]]] = []

    def tell(self, market: str, name: str, close_time_ms: int, said: Any) -> bool:
        assert market == MARKET
        if close_time_ms <= self.seen_ms:
            return False
        self.told.append((name, close_time_ms, dict(said)))
        return True


def counted(registry: CollectorRegistry, name: str, reason: str) -> float:
    labels = {"model": name, "reason": reason}
    return registry.get_sample_value("realtime_arena_abstentions_total", labels) or 0.0


def test_one_that_hangs_costs_the_other_nothing_and_secrets_are_not_logged(
    make_features: MakeFeatures,
    abstentions: Abstentions,
    registry: CollectorRegistry,
    logged: list[str],
) -> None:
    market = Market()

    async def run() -> tuple[Server, Server]:
        async with serving(says(GOOD)) as good, serving(hangs) as bad:
            asker = Asker(
                [
                    (endpoint(bad.url, "bad", deadline_ms=400), guest("bad")),
                    (endpoint(good.url, "good"), guest("good")),
                ],
                "1s", market.tell, abstentions, lambda: 0,
            )  # fmt: skip
            running = asyncio.create_task(asker.run())
            await asyncio.sleep(0)

            def base() -> None:  # what hands in: any message, as of a finer timeframe
                asker.observe(make_features(0, 100.0, "250ms"), 1)

            for row in range(1, 6):
                asker.observe(make_features(1_000 * row, 100.0, flow_1s=0.5), 1)
                await until(lambda row=row: len(market.told) == row, base)  # type: ignore[misc]
                market.seen_ms = 1_000 * row + 1_000
            asker.observe(make_features(9_000, 100.0, flow_1s=0.5), 0)  # nobody watched
            asker.observe(make_features(9_000, 100.0, flow_1s=None), 1)
            await until(lambda: counted(registry, "bad", "late") >= 5, base)
            running.cancel()
            await asyncio.wait([running])
            return good, bad

    good, bad = asyncio.run(run())
    assert market.told == [
        ("good", 1_000 * row + 1_000, {1_000: pytest.approx(0.875)}) for row in range(1, 6)
    ]
    assert len(good.asked) == 5
    assert 1 <= len(bad.asked) <= 5  # not asked again while it hangs
    assert counted(registry, "good", "late") == 0
    text = "".join(logged)
    assert "no answer within 400 ms" in text
    assert text.count("no answer within 400 ms") == 1
    assert "s3cret" not in text
    assert "127.0.0.1" not in text


def test_an_answer_after_the_close_it_is_about_is_late(
    make_features: MakeFeatures, abstentions: Abstentions, registry: CollectorRegistry
) -> None:
    market = Market()
    market.seen_ms = 10_000

    async def run() -> None:
        async with serving(says(GOOD)) as server:
            asker = Asker(
                [(endpoint(server.url), guest("far"))], "1s", market.tell, abstentions, lambda: 0
            )
            running = asyncio.create_task(asker.run())
            await asyncio.sleep(0)
            asker.observe(make_features(9_000, 100.0, flow_1s=0.5), 1)
            await until(
                lambda: counted(registry, "far", "late") == 1,
                lambda: asker.observe(make_features(0, 100.0, "250ms"), 1),
            )
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(run())
    assert market.told == []


def test_a_close_that_comes_once_more_is_asked_and_counted_once(
    make_features: MakeFeatures, abstentions: Abstentions, registry: CollectorRegistry
) -> None:
    """Revised, or told again after a start."""

    async def run() -> int:
        async with serving(hangs) as server:
            place = endpoint(server.url, deadline_ms=200)
            asker = Asker([(place, guest("far"))], "1s", Market().tell, abstentions, lambda: 0)
            running = asyncio.create_task(asker.run())
            await asyncio.sleep(0)
            for _ in range(5):
                asker.observe(make_features(1_000, 100.0, flow_1s=0.5), 1)
            await until(lambda: bool(server.asked))
            for market in (MARKET, "binance:ETH/USDT"):  # asked as any other
                asker.observe(replace(make_features(1_000, 100.0, flow_1s=0.5), market=market), 1)
            await until(lambda: counted(registry, "far", "late") >= 2)
            running.cancel()
            await asyncio.wait([running])
            return len(server.asked)

    assert asyncio.run(run()) == 2
    assert counted(registry, "far", "late") == 2


@pytest.mark.parametrize(("asked_ms", "answered_ms"), [(9_900, 10_000), (10_000, 10_000)])
def test_who_answers_when_the_close_has_been_abstains_though_the_stream_is_behind(
    make_features: MakeFeatures,
    abstentions: Abstentions,
    registry: CollectorRegistry,
    asked_ms: int,
    answered_ms: int,
) -> None:
    """It could know by then how the market went on."""
    market = Market()
    clock = iter([asked_ms])

    async def run() -> int:
        async with serving(says(GOOD)) as server:
            asker = Asker(
                [(endpoint(server.url), guest("far"))], "1s", market.tell, abstentions,
                lambda: next(clock, answered_ms),
            )  # fmt: skip
            running = asyncio.create_task(asker.run())
            await asyncio.sleep(0)
            asker.observe(make_features(9_000, 100.0, flow_1s=0.5), 1)
            await until(lambda: counted(registry, "far", "late") == 1)
            running.cancel()
            await asyncio.wait([running])
            return len(server.asked)

    assert asyncio.run(run()) == (asked_ms < 10_000)
    assert market.told == []


def test_sessions_keep_no_cookies_and_read_no_proxy_or_netrc_of_the_environment() -> None:
    async def made() -> aiohttp.ClientSession:
        session = _session(endpoint("http://127.0.0.1:1"))
        await session.close()
        return session

    session = asyncio.run(made())
    assert not session.trust_env
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
