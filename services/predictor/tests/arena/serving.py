"""A server of predictions for tests, on a free port: it answers as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

WITHIN_S = 60.0

type Say = Callable[[dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Where it is, and what it was asked."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def serving(say: Say) -> AsyncIterator[Server]:
    """Serve until the end of the block."""
    server = Server()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        server.asked.append(asked)
        server.headers.append(dict(request.headers))
        return await say(asked)

    application = web.Application()
    application.router.add_post("/predict", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"{site.name}/predict"
    try:
        yield server
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool], step: Callable[[], None] = lambda: None) -> None:
    """Wait until something is so, and do something meanwhile."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            step()
            await asyncio.sleep(0.005)
