"""Answers that are no longer than they have to be: 304 for what the caller has, zstd and gzip."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from functools import partial
from hashlib import blake2b

from backports import zstd
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prediction_api.routes.arrow import ARROW

_LEAST = 16_384  # bytes: what is shorter arrives as soon
_MOST = 32_000_000
_PACKING: dict[str, Callable[[bytes], bytes]] = {  # what is preferred where both are taken, first
    "zstd": partial(zstd.compress, level=1),
    "gzip": partial(gzip.compress, compresslevel=4, mtime=0),
}
_PACKABLE = ("application/json", "text/", "image/svg", ARROW)


class Compact:
    """An app whose answers have an ETag where they may be kept, and are packed where that pays.

    Whoever has the newest by `If-None-Match` is told so. What has no length is a stream and passes
    as it is. Long answers are packed in a thread, so that no prediction waits for them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] == "HEAD":
            await self._app(scope, receive, send)
            return
        answer = _Answer(Headers(scope=scope), send)
        await self._app(scope, receive, answer.hear)


class _Answer:
    def __init__(self, asked: Headers, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def hear(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200 and _is_whole(MutableHeaders(raw=message["headers"])):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._tell(self._start)
            return
        await self._send(message)

    async def _tell(self, start: Message) -> None:
        body = bytes(self._body)
        headers = MutableHeaders(raw=list(start["headers"]))
        is_long = len(body) >= _LEAST
        is_packable = is_long and headers.get("content-type", "").startswith(_PACKABLE)
        if is_packable:
            headers.add_vary_header("Accept-Encoding")
        if "no-store" not in headers.get("cache-control", ""):
            if "etag" not in headers:
                digest = await _aside(len(body), lambda: blake2b(body, digest_size=12).hexdigest())
                headers["ETag"] = f'W/"{digest}"'
            if _is_known(headers["etag"], self._asked.get("if-none-match", "")):
                del headers["content-length"]
                await self._send({**start, "status": 304, "headers": headers.raw})
                await self._send({"type": "http.response.body", "body": b""})
                return
        coding = _coding(self._asked.get("accept-encoding", "")) if is_packable else None
        if coding is not None:
            body = await _aside(len(body), partial(_PACKING[coding], body))
            headers["Content-Encoding"] = coding
            headers["Content-Length"] = str(len(body))
            if headers.get("etag", "").startswith('"'):  # other bytes: no longer a strong one
                headers["ETag"] = f"W/{headers['etag']}"
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


async def _aside[Result](length: int, work: Callable[[], Result]) -> Result:
    """Return what work on so many bytes returns; in a thread where that takes long."""
    return await asyncio.to_thread(work) if length >= _LEAST else work()


def _is_whole(headers: MutableHeaders) -> bool:
    """Say whether an answer has a length that may be kept at once."""
    length = headers.get("content-length")
    return length is not None and int(length) <= _MOST and "content-encoding" not in headers


def _is_known(etag: str, told: str) -> bool:
    """Say whether an ETag is among those of If-None-Match, compared weakly (RFC 9110, 13.1.2)."""
    known = {each.strip().removeprefix("W/") for each in told.split(",")}
    return told.strip() == "*" or etag.removeprefix("W/") in known


def _coding(told: str) -> str | None:
    """Return what an answer is packed with, as Accept-Encoding wants it (RFC 9110, 12.5.3)."""
    weights = {}
    for each in told.lower().replace(" ", "").split(","):
        name, _, weight = each.partition(";")
        weights[name] = _weight(weight)
    of_others = weights.get("*", 0.0)
    best = max(_PACKING, key=lambda coding: weights.get(coding, of_others))
    return best if weights.get(best, of_others) > 0 else None


def _weight(told: str) -> float:
    """Return a weight from 0 to 1; what makes no sense is as much as nothing said."""
    try:
        return min(1.0, float(told.removeprefix("q=")))
    except ValueError:
        return 1.0
