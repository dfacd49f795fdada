"""Requests that were asked before, byte for byte, answered without being read again.

Who polls sends the same head each time. What it means was found out when it first came: who may
ask, which route it is, and what its answer is made of. A head that is the same to the byte means
the same, so only its answer is made anew. All else takes the long way.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketstream.metrics import Metrics
from prediction_api.routes.answers import JSON

HEAD = "realtime.head"
"""Where a request's scope has its head, if it is one that may be remembered."""

ADMIT = "realtime.admit"
"""Where a request's scope says how the same one is admitted again."""

_AGAIN = "realtime.again"
_MOST_HEADS = 1_024
_LONGEST_HEAD = 4_096  # bytes
_OWN = frozenset({b"content-length", b"ratelimit", b"ratelimit-policy"})  # of each answer anew

type Header = tuple[bytes, bytes]
type Client = tuple[str, int] | None
type Again = Callable[[], bytes | None]
type Admit = Callable[[Client], Sequence[Header] | None]
"""Returns headers that the answer is to have; None where it has to be decided at length."""


class RepeatableAnswer(Response):
    """JSON that `again` makes anew where the same is asked once more; None takes the long way."""

    def __init__(self, body: bytes, again: Again, headers: dict[str, str]) -> None:
        super().__init__(body, headers=headers, media_type=JSON)
        self._again = again

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope[_AGAIN] = self._again
        await super().__call__(scope, receive, send)


class _Known(NamedTuple):
    headers: bytes
    again: Again
    admit: Admit
    counted: Any
    timed: Any


class QuickAnswers:
    """The newest heads that were answered, and what their answers are made of."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._server: tuple[Sequence[Header], bytes] = ((), b"")

    def answer(self, head: bytes, client: Client, server: Sequence[Header]) -> bytes | None:
        """Return all of an answer, with the headers of the server; None for the long way."""
        began = time.perf_counter()
        known = self._known.get(head)
        if known is None:
            return None
        admitted = known.admit(client)
        body = None if admitted is None else known.again()
        if admitted is None or body is None:
            return None
        if server is not self._server[0]:  # a new list each second, with the date
            self._server = server, _lines(server)
        answer = b"HTTP/1.1 200 OK\r\n%b%b%bcontent-length: %d\r\n\r\n%b" % (
            self._server[1], known.headers, _lines(admitted), len(body), body,
        )  # fmt: skip
        known.counted.inc()
        known.timed.observe(time.perf_counter() - began)
        return answer

    def remember(self, scope: Scope, headers: Sequence[Header]) -> None:
        """Remember a request that was answered with these headers, if it may be repeated."""
        if not scope.keys() >= {HEAD, ADMIT, _AGAIN}:
            return
        route = scope["route"].path
        if any(name.lower() == b"content-encoding" for name, _ in headers):
            return
        kept = [each for each in headers if each[0].lower() not in _OWN]
        self._known[scope[HEAD]] = _Known(
            _lines(kept),
            scope[_AGAIN],
            scope[ADMIT],
            self._metrics.http_requests.labels(route, 200),
            self._metrics.http_seconds.labels(route),
        )
        if len(self._known) > _MOST_HEADS:
            self._known.popitem(last=False)


class Remembering:
    """An app whose answers are remembered, where they may be."""

    def __init__(self, app: ASGIApp, quick: QuickAnswers) -> None:
        self._app = app
        self._quick = quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if HEAD not in scope:
            await self._app(scope, receive, send)
            return

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._quick.remember(scope, message["headers"])
            await send(message)

        await self._app(scope, receive, seen)


def is_plain(head: bytes) -> bool:
    """Say whether bytes may be one request that has no body, and no other one behind it."""
    return (
        len(head) <= _LONGEST_HEAD
        and head.startswith(b"GET ")
        and head.endswith(b"\r\n\r\n")
        and head.count(b"\r\n\r\n") == 1
    )


def _lines(headers: Sequence[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % each for each in headers])
