"""Asks endpoints beside the stream: at each close about the one after it, nobody waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue
from typing import NamedTuple

import aiohttp
import msgspec

from marketstream.messages import Features
from marketstream.timeframes import timeframe_ms
from predictor.arena.abstentions import Abstentions
from predictor.arena.answers import Abstained
from predictor.arena.endpoint import MOST_BYTES, Endpoint, Question, believed, question
from predictor.arena.guest import Guest

_MOST_CONNECTIONS = 32
_OK = 200
_AFTER = Abstained("late", "its answer came after the close it is about")

type Tell = Callable[[str, str, int, Mapping[int, float]], bool]
"""Tells a market's operator what a model said of a close to come; False where that has been."""


class Heard(NamedTuple):
    """What a model said of a close."""

    market: str
    name: str
    close_time_ms: int
    said: Mapping[int, float]


class Asker:
    """Asks the endpoints in the event loop of `run`, and hands in what they said between messages.

    `observe` is called by the runner's thread. Each endpoint has connections of its own and is
    asked once at a time about a market, so that one that hangs holds up no other. What it says
    once the close has been by our clock, `now_ms`, does not count, however far behind the stream
    is: it could know how the market went on.
    """

    def __init__(
        self,
        endpoints: Iterable[tuple[Endpoint, Guest]],
        timeframe: str,
        tell: Tell,
        abstentions: Abstentions,
        now_ms: Callable[[], int],
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._timeframe = timeframe
        self._step_ms = timeframe_ms(timeframe)
        self._tell = tell
        self._abstentions = abstentions
        self._now_ms = now_ms
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._questions: SimpleQueue[tuple[Endpoint, Question]] = SimpleQueue()
        self._lock = threading.Lock()
        self._asked: set[tuple[str, str]] = set()
        self._seen_ms: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def observe(self, features: Features, received_ns: int) -> None:
        """Hand in what has come, and at a close that somebody watched have all be asked.

        A close that comes once more, revised or told again, is asked and counted once.
        """
        self._hand_in()
        loop = self._loop
        closes = features.timeframe == self._timeframe and not features.forming
        if loop is None or not closes or not received_ns:
            return
        if features.close_time_ms <= self._seen_ms.get(features.market, -1):
            return
        self._seen_ms[features.market] = features.close_time_ms
        for endpoint, guest in self._endpoints:
            asked = question(features, guest.columns, guest.horizons_ms, self._step_ms)
            if asked is None:
                continue
            if self._has_been(asked):
                self._abstentions.note(endpoint.name, "late", "the stream is a close behind")
            elif self._begin(endpoint, features.market):
                self._questions.put((endpoint, asked))
        loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Ask until cancelled."""
        if not self._endpoints:
            return
        sessions = {each.name: _session(each) for each, _ in self._endpoints}
        under_way: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while not self._questions.empty():
                    endpoint, asked = self._questions.get()
                    work = self._ask(sessions[endpoint.name], endpoint, asked)
                    under_way.add(task := asyncio.create_task(work))
                    task.add_done_callback(under_way.discard)
        finally:
            self._loop = None
            for task in under_way:
                task.cancel()
            for session in sessions.values():
                await session.close()

    def _begin(self, endpoint: Endpoint, market: str) -> bool:
        """Return whether it may be asked: what it was asked before is answered, or given up."""
        with self._lock:
            free = (endpoint.name, market) not in self._asked
            self._asked.add((endpoint.name, market))
        if not free:
            self._abstentions.note(endpoint.name, "late", "it is still asked about a close before")
        return free

    async def _ask(
        self, session: aiohttp.ClientSession, endpoint: Endpoint, asked: Question
    ) -> None:
        try:
            answer = await ask(session, endpoint, asked)
        finally:
            with self._lock:
                self._asked.discard((endpoint.name, asked.market))
        if not isinstance(answer, Abstained) and self._has_been(asked):
            answer = _AFTER
        if isinstance(answer, Abstained):
            self._abstentions.note(endpoint.name, *answer)
        else:
            self._heard.put(Heard(asked.market, endpoint.name, asked.close_time_ms, answer))

    def _hand_in(self) -> None:
        while True:
            try:
                market, name, close_time_ms, said = self._heard.get_nowait()
            except Empty:
                return
            if not self._tell(market, name, close_time_ms, said):
                self._abstentions.note(name, *_AFTER)

    def _has_been(self, asked: Question) -> bool:
        return asked.close_time_ms <= self._now_ms()


async def ask(
    session: aiohttp.ClientSession, endpoint: Endpoint, asked: Question
) -> dict[int, float] | Abstained:
    """Ask an endpoint once; what is told of a failure holds nothing of the address or the key."""
    try:
        async with session.post(
            endpoint.url, data=msgspec.json.encode(asked), allow_redirects=False
        ) as answer:
            if answer.status != _OK:
                return Abstained("failed", f"HTTP {answer.status}")
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                return Abstained("failed", "its answer is compressed, which was not asked for")
            body = bytearray()
            async for part in answer.content.iter_any():
                body += part
                if len(body) > MOST_BYTES:
                    return Abstained("nonsense", f"an answer is longer than {MOST_BYTES:,} bytes")
    except TimeoutError:
        return Abstained("late", f"no answer within {endpoint.deadline_ms} ms")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Abstained("failed", type(error).__name__)
    return believed(bytes(body), asked.horizons_ms)


def _session(endpoint: Endpoint) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=endpoint.deadline_ms / 1_000),
        headers=endpoint.headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
