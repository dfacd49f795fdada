"""Very many who follow are told a few at a time; who is slow gets the newest and loses the old."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from marketstream.messages import Prediction
from prediction_api import connections
from prediction_api.delivery import Delivery
from prediction_api.settings import ApiSettings
from prediction_api.views.event_queue import EventQueue
from prediction_api.views.feed import PredictionFeed

from .conftest import MARKET, Api, served

type Make[Made] = Callable[..., Made]

HEAD = b"GET /predictions/BTC-USDT/stream HTTP/1.1\r\nHost: x\r\n\r\n"


class Client:
    """A connection that takes what it is given, unless it is full."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.full = self.gone = False
        self.told: Callable[[], None] = lambda: None

    def write_chunk(self, chunk: bytes) -> None:
        self.got.append(chunk)

    def is_full(self) -> bool:
        return self.full

    def tell_writable(self, told: Callable[[], None]) -> None:
        self.told = told

    def abort(self) -> None:
        self.gone = True


def test_after_a_few_clients_whatever_else_is_due_has_its_turn() -> None:
    asyncio.run(turns())


async def turns() -> None:
    loop, delivery = asyncio.get_running_loop(), Delivery()
    clients, queues = [Client() for _ in range(100)], [EventQueue() for _ in range(100)]
    left = asyncio.create_task(asyncio.sleep(3_600))
    writing = [
        asyncio.create_task(delivery.write(queue, client, left))
        for queue, client in zip(queues, clients, strict=True)
    ]
    await asyncio.sleep(0.1)
    for queue in queues:
        queue.put(b"1")
        queue.put(b"2")
    at_each_turn: list[int] = []

    def look() -> None:
        at_each_turn.append(sum(bool(client.got) for client in clients))
        if at_each_turn[-1] < 100:
            loop.call_soon(look)

    loop.call_soon(look)
    await asyncio.sleep(0.1)
    assert at_each_turn[-1] == 100
    assert max(b - a for a, b in pairwise(at_each_turn)) <= 16
    assert {tuple(client.got) for client in clients} == {(b"12",)}, "what waits goes at once"
    for queue in queues:
        queue.end()
    await asyncio.gather(*writing)
    left.cancel()


def test_one_that_does_not_read_for_long_is_ended_and_others_are_kept_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prediction_api.delivery._KEPT_ALIVE_S", 0.05)
    asyncio.run(slow_and_calm())


async def slow_and_calm() -> None:
    slow, calm = Client(), Client()
    slow.full = True
    left = asyncio.create_task(asyncio.sleep(3_600))
    delivery, queue = Delivery(), EventQueue(missed=PredictionFeed([MARKET]).missed(MARKET))
    listening = asyncio.create_task(delivery.write(EventQueue(), calm, left))
    queue.put(b"x")
    await delivery.write(queue, slow, left)
    assert (slow.gone, slow.got) == (True, [])
    assert set(calm.got) == {b": nothing has happened\n\n"}
    assert not calm.gone
    left.cancel()
    await listening


def test_a_full_queue_loses_the_oldest_and_tells_after_which() -> None:
    queue = EventQueue(2, PredictionFeed([MARKET]).missed(MARKET))

    def told(*numbers: int) -> tuple[object, bytes]:
        for number in numbers:
            assert queue.put(b"%d;" % number, f"p-{number}-1000")
        missed, _, rest = (queue.take() or b"").rpartition(b"\n\n")
        return json.loads(missed.split(b"data: ")[1]) if missed else None, rest

    assert told(1, 2, 3) == ({"after": None, "from_ms": 0}, b"2;3;"), "before the first one"
    assert told(4) == (None, b"4;")
    assert told(5, 6, 7, 8) == ({"after": "p-4-1000", "from_ms": 4}, b"7;8;")
    queue.begins_after("o-8-1000")
    assert told(9, 10, 11) == ({"after": "o-8-1000", "from_ms": 1_008}, b"10;11;")


def test_a_client_that_reads_late_hears_the_newest_and_what_it_missed(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    long = "x" * 10_000

    @api.app.post("/flood")
    async def flood() -> None:
        """Tell more than sockets and queue hold, while the server has its turns."""
        for close in range(1, 2_001):
            api.views.hear(make_prediction(close * 1_000, reason=long), api.ns)
            if close % 100 == 0:
                await asyncio.sleep(0)

    with served(api) as address, socket.create_connection(address, timeout=20) as client:
        client.sendall(HEAD)
        while not any(api.views.feed._followers.values()):
            time.sleep(0.01)
        with socket.create_connection(address, timeout=20) as other:
            other.sendall(b"POST /flood HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert other.recv(65_536).startswith(b"HTTP/1.1 200")
        heard = b""
        while b"id: p-2000000-1000" not in heard:
            heard += client.recv(1 << 20)
    assert heard.count(b"event: missed") >= 1
    assert heard.count(b"event: prediction") < 2_000
    assert b"id: p-1000-1000" in heard


def test_one_connection_too_many_ends_the_oldest_that_has_not_asked(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 30.0)
    with served(api, most_connections=3) as address:
        asking = socket.create_connection(address, timeout=20)
        asking.sendall(HEAD)
        assert asking.recv(65_536).startswith(b"HTTP/1.1 200")
        slow = [socket.create_connection(address, timeout=20) for _ in range(2)]
        for client in slow:
            client.sendall(HEAD[:20])
        last = socket.create_connection(address, timeout=20)
        last.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert last.recv(65_536).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionResetError):  # as it is where a byte was not read yet
            assert slow[0].recv(1) == b""
        slow[1].sendall(HEAD[20:])
        assert slow[1].recv(65_536).startswith(b"HTTP/1.1 200")
        for client in (asking, *slow, last):
            client.close()


def test_streams_of_every_kind_leave_connections_for_who_asks(api: Api) -> None:
    feeds = (api.views.live, api.views.feed, *api.views.move_feeds.values())
    settings = ApiSettings(most_streams=1_000)
    assert settings.most_connections > len(feeds) * settings.most_streams
