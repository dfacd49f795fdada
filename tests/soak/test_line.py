"""The line that fails passes everything on, but what a fault says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from exchange_simulator import SeededMarket
from realtime_bench.soak.corruptions import ANSWERS, CORRUPTIONS, KILLS, KINDS
from realtime_bench.soak.line import FaultyLine, serving

ASKED = {
    "method": "SUBSCRIBE",
    "params": ["btcusdt@trade", "btcusdt@bookTicker"],
    "id": 1,
}
COUNT = 300


def on_a_line(work: Callable[[FaultyLine], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with serving([SeededMarket("BTC/USDT", 1, trades_per_second=500)], 1) as line:
            return await work(line)

    return asyncio.run(run())


async def received(line: FaultyLine, count: int, seconds: float = 20) -> list[str]:
    frames: list[str] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(line.ws_url, max_msg_size=0) as socket,
    ):
        await socket.send_json(ASKED)
        while len(frames) < count:
            try:
                message = await socket.receive(seconds)
            except TimeoutError:
                break
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            frames.append(message.data)
    return frames


def trade_ids(frames: list[str]) -> list[int]:
    return [json.loads(frame)["t"] for frame in frames if '"e":"trade"' in frame]


def test_without_a_fault_every_trade_comes_once() -> None:
    ids = trade_ids(on_a_line(lambda line: received(line, COUNT)))
    assert ids == list(range(ids[0], ids[0] + len(ids)))


@pytest.mark.parametrize("kind", [kind for kind in CORRUPTIONS if kind != "huge"])
def test_a_corrupted_stream_says_something_else(kind: str) -> None:
    async def corrupted(line: FaultyLine) -> tuple[int, list[str]]:
        line.begin(kind)
        frames = await received(line, COUNT)
        return line.corrupted, frames

    count, frames = on_a_line(corrupted)
    assert count > 0
    assert len(frames) == COUNT


@pytest.mark.parametrize("kind", ["zombie", "half_open", "stall"])
def test_a_silent_stream_says_nothing(kind: str) -> None:
    async def silent(line: FaultyLine) -> list[str]:
        line.begin(kind)
        return await received(line, 5, seconds=1)

    assert on_a_line(silent) == []


@pytest.mark.parametrize("kind", ["connect_403", "connect_429", "connect_503", "cut"])
def test_a_refused_connection_is_refused_until_the_fault_ends(kind: str) -> None:
    async def refused(line: FaultyLine) -> list[str]:
        line.begin(kind)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await received(line, 1)
        line.end(kind)
        return await received(line, 5)

    assert len(on_a_line(refused)) == 5


async def asked(line: FaultyLine, kind: str) -> tuple[int, bytes]:
    line.begin(kind)
    url = f"{line.rest_url}/api/v3/aggTrades?symbol=BTCUSDT&limit=50"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("kind", ["rest_418", "rest_429", "rest_500"])
def test_a_refused_question_has_the_status(kind: str) -> None:
    status, _ = on_a_line(lambda line: asked(line, kind))
    assert status == int(kind.removeprefix("rest_"))


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_wrong_answer_is_not_the_true_one(kind: str) -> None:
    status, body = on_a_line(lambda line: asked(line, kind))
    assert status == 200
    if kind == "rest_truncated":
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)
        return
    rows = json.loads(body)
    ids = [row["a"] for row in rows]
    true = list(range(min(ids), min(ids) + 50)) if ids else []
    assert (ids == true) is (kind in {"rest_empty", "rest_wrong_symbol", "rest_units"})


def test_every_kind_is_described() -> None:
    assert all(KINDS.values())
    assert set(KILLS) < set(KINDS)
