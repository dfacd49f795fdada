from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import pytest
from aiohttp import web

from exchanges.client import RestClient
from marketstream.testing import closed_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from exchanges.venue import Venue


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port of loopback on which nobody listens."""
    with closed_port() as port:
        yield port


class Ask(Protocol):
    """Asks a venue whose server answers so, and returns what it makes of it."""

    def __call__[Said](
        self,
        venue: Venue,
        answer: Callable[[web.BaseRequest], bytes],
        question: Callable[[RestClient], Awaitable[Said]],
    ) -> Said: ...


@pytest.fixture
def ask() -> Ask:
    def ask_venue[Said](
        venue: Venue,
        answer: Callable[[web.BaseRequest], bytes],
        question: Callable[[RestClient], Awaitable[Said]],
    ) -> Said:
        async def handler(request: web.BaseRequest) -> web.Response:
            return web.Response(body=answer(request))

        async def run() -> Said:
            runner = web.ServerRunner(web.Server(handler))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                host, port = runner.addresses[0][:2]
                async with RestClient(venue, f"http://{host}:{port}", patience_s=20) as client:
                    return await question(client)
            finally:
                await runner.cleanup()

        return asyncio.run(run())

    return ask_venue
