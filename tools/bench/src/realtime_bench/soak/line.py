"""A line between a simulated exchange and a client that fails as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from aiohttp import web

from exchange_simulator.market.tape import Tape
from exchange_simulator.server import RunningExchange, start
from realtime_bench.soak.corruptions import ANSWERS, CORRUPTIONS, ONCE, RETRY_AFTER_S, STATUSES

_ONE_IN = 20  # trades, while frames are corrupted
_POLL_S = 0.01
_ENDING = {"cut", "close", "server_shutdown"}
_SHUTDOWN = '{"e":"serverShutdown","E":0}'


class FaultyLine:
    """Passes on what an exchange says, with the faults that have begun and not ended.

    `begin` and `end` may be called from any thread. A fault of the REST API comes with a cut, so
    that there is something to ask for.
    """

    def __init__(self, exchange: RunningExchange, seed: int) -> None:
        self.exchange = exchange
        self.authority = ""
        self.corrupted = 0
        self._faults: frozenset[str] = frozenset()
        self._draw = random.Random(seed)  # noqa: S311 - chooses frames, not secrets
        self._sockets: set[web.WebSocketResponse] = set()
        self._transports: set[asyncio.Transport] = set()
        self._once: set[str] = set()
        self._loop = asyncio.get_running_loop()

    @property
    def ws_url(self) -> str:
        """The stream, in the form of `EXCHANGE_WS_URL`."""
        return f"ws://{self.authority}/ws"

    @property
    def rest_url(self) -> str:
        """The root of the REST API, in the form of `EXCHANGE_REST_URL`."""
        return f"http://{self.authority}"

    def begin(self, kind: str) -> None:
        """Let a fault begin."""
        self._once.discard(kind)
        self._faults |= {kind}
        if kind.startswith(("connect_", "rest_")) or kind == "cut":
            self._loop.call_soon_threadsafe(self._cut)
        elif kind in _ENDING:
            asyncio.run_coroutine_threadsafe(self._close(kind), self._loop)

    def end(self, kind: str) -> None:
        """Let a fault end."""
        self._faults -= {kind}

    def _cut(self) -> None:
        for transport in self._transports:
            transport.abort()

    async def _close(self, kind: str) -> None:
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError):
                if kind == "server_shutdown":
                    await socket.send_str(_SHUTDOWN)
                await socket.close()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket, and pass on what is said both ways."""
        for kind in self._faults:
            if kind.startswith("connect_"):
                return _refusal(int(kind.removeprefix("connect_")))
            if kind in _ENDING:
                return _refusal(503)
        ours = web.WebSocketResponse(autoping=False)
        await ours.prepare(request)
        transport = request.transport
        assert transport is not None
        self._transports.add(transport)
        self._sockets.add(ours)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.exchange.ws_url) as theirs,
        ):
            passing = asyncio.create_task(self._pass_on(theirs, ours))
            try:
                async for message in ours:
                    if message.type is aiohttp.WSMsgType.PING:
                        if "half_open" not in self._faults:
                            await ours.pong(message.data)
                    elif message.type is aiohttp.WSMsgType.TEXT:
                        await theirs.send_str(message.data)
            finally:
                self._transports.discard(transport)
                self._sockets.discard(ours)
                passing.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await passing
        return ours

    async def _pass_on(
        self, theirs: aiohttp.ClientWebSocketResponse, ours: web.WebSocketResponse
    ) -> None:
        async for message in theirs:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            while "stall" in self._faults:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
            for frame in self._frames(message.data):
                await ours.send_str(frame)

    def _frames(self, frame: str) -> list[str]:
        """Return what is sent in place of a frame."""
        faults = self._faults
        if not faults:
            return [frame]
        is_trade = '"e":"trade"' in frame
        if "zombie" in faults or "half_open" in faults:
            return []
        if "silent_trades" in faults and is_trade:
            return []
        if "silent_quotes" in faults and '"b":' in frame and not is_trade:
            return []
        if is_trade and self._draw.random() * _ONE_IN < 1:
            for kind in faults & CORRUPTIONS.keys() - self._once:
                self._once |= {kind} & ONCE
                self.corrupted += 1
                return CORRUPTIONS[kind][1](frame, self._draw)
        return [frame]

    async def ask(self, request: web.Request) -> web.Response:
        """Answer a question to the REST API."""
        while "rest_hang" in self._faults:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        for kind in self._faults & STATUSES.keys():
            return _refusal(STATUSES[kind])
        url = f"{self.exchange.rest_url}{request.path_qs}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            body = await answer.read()
            status = answer.status
        if request.path.endswith("/aggTrades") and status == 200:
            for kind in self._faults & ANSWERS.keys():
                body = ANSWERS[kind][1](json.loads(body))
        return web.Response(body=body, status=status, content_type="application/json")


@asynccontextmanager
async def serving(tapes: Sequence[Tape], seed: int) -> AsyncIterator[FaultyLine]:
    """Give a faulty line to an exchange of these markets."""
    exchange = await start(tapes, port=0)
    line = FaultyLine(exchange, seed)
    application = web.Application()
    application.router.add_get("/ws", line.stream)
    application.router.add_get("/api/{path:.*}", line.ask)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    line.authority = f"{host}:{port}"
    try:
        yield line
    finally:
        await runner.cleanup()
        await exchange.close()


@contextmanager
def serving_in_a_thread(tapes: Sequence[Tape], seed: int) -> Iterator[FaultyLine]:
    """Give a faulty line that runs beside the caller."""
    made: list[FaultyLine] = []
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        async with serving(tapes, seed) as line:
            made.append(line)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="faulty line")
    thread.start()
    try:
        ready.wait(10)
        yield made[0]
    finally:
        stop.set()
        thread.join()


def _refusal(status: int) -> web.Response:
    headers = {"Retry-After": f"{RETRY_AFTER_S}"} if status in {418, 429} else {}
    return web.Response(status=status, headers=headers)
