"""A real HTTP server that takes alerts, or does not, as the test has it do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer

type Say = Callable[[int], web.Response | float]
"""What is said to the nth request (from 0): an answer, or silence of so many seconds."""


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Where it is, and what it was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.there = asyncio.Event()

    async def has(self, many: int) -> None:
        """Wait until so many requests have come."""
        while len(self.requests) < many:
            self.there.clear()
            await self.there.wait()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving(say: Say = lambda _: web.Response()) -> AsyncIterator[Receiver]:
    """Receive at a port of this machine."""
    receiver = Receiver()

    async def answer(request: web.Request) -> web.Response:
        number = len(receiver.requests)
        body = await request.read()
        receiver.requests.append(Request(request.path, dict(request.headers), body))
        receiver.there.set()
        said = say(number)
        if isinstance(said, web.Response):
            return said
        await asyncio.sleep(said)
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook/t0ken"))
        yield receiver
