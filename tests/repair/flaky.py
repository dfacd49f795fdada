"""A simulated exchange behind a line that fails: cut connections, lost frames, no REST."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import aiohttp
from aiohttp import web

from exchange_simulator import SeededMarket
from exchange_simulator.server import RunningExchange, start

LOST_MS = 300  # of market time that is missed at least when a connection is cut


class FlakyExchange:
    """Passes on what an exchange says, as long as it is told to; from any thread.

    `drop_every` drops each so-many-th trade of the stream; of those, REST does not know each
    `unknown_every`-th either. `rest` is `answers`, `refuses`, `hangs`, or `no clock` where only the
    exchange's time is refused, `clock ahead` where that is an hour ahead.
    """

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self.url = ""
        self.drop_every = 0
        self.dropped = 0
        self.unknown_every = 0
        self.rest = "answers"
        self.connections = 0
        self._trades = 0
        self._unknown: set[int] = set()
        self._closed_until_us = 0
        self._transports: set[asyncio.Transport] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def ws_url(self) -> str:
        """The stream's URL."""
        return f"ws://{self.url}/ws"

    @property
    def rest_url(self) -> str:
        """The REST API's URL."""
        return f"http://{self.url}"

    def cut(self, lost_ms: int = LOST_MS) -> None:
        """Cut all connections, and refuse others until the market has gone on for a while."""
        self._loop.call_soon_threadsafe(self._cut, lost_ms)

    def _cut(self, lost_ms: int) -> None:
        self._closed_until_us = self.exchange.market_time_us + lost_ms * 1_000
        for transport in self._transports:
            transport.abort()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket, and pass on what is said both ways."""
        if self.exchange.market_time_us < self._closed_until_us:
            raise web.HTTPServiceUnavailable
        ours = web.WebSocketResponse()
        await ours.prepare(request)
        transport = request.transport
        assert transport is not None
        self._transports.add(transport)
        self.connections += 1
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.exchange.ws_url) as theirs,
        ):
            passing = asyncio.create_task(self._pass_on(theirs, ours))
            try:
                async for message in ours:
                    await theirs.send_str(message.data)
            finally:
                self._transports.discard(transport)
                passing.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionResetError):
                    await passing
        return ours

    async def _pass_on(
        self, theirs: aiohttp.ClientWebSocketResponse, ours: web.WebSocketResponse
    ) -> None:
        async for message in theirs:
            if self.drop_every and '"e":"trade"' in message.data:
                self._trades += 1
                if self._trades % self.drop_every == 0:
                    self.dropped += 1
                    if self.unknown_every and self.dropped % self.unknown_every == 0:
                        self._unknown.add(json.loads(message.data)["t"])
                    continue
            await ours.send_str(message.data)

    async def ask(self, request: web.Request) -> web.Response:
        """Answer a question to the REST API."""
        while self.rest == "hangs":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        clock = request.path.endswith("/time")
        if self.rest == "refuses" or (self.rest == "no clock" and clock):
            raise web.HTTPServiceUnavailable
        url = f"{self.exchange.rest_url}{request.path_qs}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            body = await answer.read()
            if clock and self.rest == "clock ahead":
                body = json.dumps(
                    {"serverTime": json.loads(body)["serverTime"] + 3_600_000}
                ).encode()
            if self._unknown and request.path.endswith("/aggTrades"):
                body = json.dumps(
                    [row for row in json.loads(body) if row["l"] not in self._unknown]
                ).encode()
            return web.Response(body=body, status=answer.status)


@contextlib.asynccontextmanager
async def serving(tapes: Sequence[SeededMarket]):  # type: ignore[no-untyped-def]
    """Give a flaky exchange of these markets."""
    exchange = await start(tapes, port=0)
    flaky = FlakyExchange(exchange)
    application = web.Application()
    application.router.add_get("/ws", flaky.stream)
    application.router.add_get("/api/{path:.*}", flaky.ask)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    flaky.url = f"{host}:{port}"
    try:
        yield flaky
    finally:
        await runner.cleanup()
        await exchange.close()


@contextmanager
def serving_in_a_thread(tapes: Sequence[SeededMarket]) -> Iterator[FlakyExchange]:
    """Give a flaky exchange that runs beside the test."""
    made: list[FlakyExchange] = []
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        async with serving(tapes) as flaky:
            made.append(flaky)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="flaky exchange")
    thread.start()
    try:
        assert ready.wait(10)
        yield made[0]
    finally:
        stop.set()
        thread.join()
