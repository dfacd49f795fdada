"""Very many clients of an API, in a process of their own: listeners, or a crowd that does harm."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import sys
import time
from typing import Literal

import msgspec

_CLOSE = re.compile(rb"id: p-(\d+)-")
_CONNECTING = 64  # at a time
_BEGUN = b"GET /predictions HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
_LARGE = 10_000_000
_DRIP_S = 2.0
_SETTLED_S = 3.0


class Crowd(msgspec.Struct, frozen=True):
    """Who is to come: so many listeners of one path, or so many who never finish asking."""

    port: int
    kind: Literal["listeners", "harmful"]
    count: int
    seconds: float
    path: str


class Heard(msgspec.Struct, frozen=True):
    """How many were connected at once, and how long after their candle's close news arrived."""

    connected: int
    after_close_ms: list[float]


class _Listener(asyncio.Protocol):
    def __init__(self, request: bytes, after_close_ms: list[float]) -> None:
        self._request = request
        self._after_close_ms = after_close_ms

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now_ms = time.time() * 1_000
        told = _CLOSE.search(data)
        if told is not None:
            self._after_close_ms.append(now_ms - int(told[1]))


async def _listen(crowd: Crowd) -> Heard:
    loop = asyncio.get_running_loop()
    after_close_ms: list[float] = []
    request = f"GET {crowd.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    turns = asyncio.Semaphore(_CONNECTING)

    async def one() -> asyncio.Transport:
        async with turns:
            transport, _ = await loop.create_connection(
                lambda: _Listener(request, after_close_ms), "127.0.0.1", crowd.port
            )
            return transport

    transports = await asyncio.gather(*(one() for _ in range(crowd.count)))
    await asyncio.sleep(_SETTLED_S)
    after_close_ms.clear()  # while they came, the server had that to do, too
    _say("all are connected")
    await asyncio.sleep(crowd.seconds)
    connected = sum(not each.is_closing() for each in transports)
    return Heard(connected, after_close_ms)


async def _harm(crowd: Crowd) -> Heard:
    """Open connections that never say all they want, and send what is far too large."""
    until_s = time.monotonic() + crowd.seconds
    open_now = most = 0

    async def slow() -> None:
        nonlocal open_now, most
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    _, writer = await asyncio.open_connection("127.0.0.1", crowd.port)
                open_now += 1
                most = max(most, open_now)
                try:
                    writer.write(_BEGUN)
                    while time.monotonic() < until_s and not writer.is_closing():
                        await asyncio.sleep(_DRIP_S)
                        writer.write(b"x")
                finally:
                    open_now -= 1
                    writer.close()
            await asyncio.sleep(0.5)

    async def large(head: bytes) -> None:
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    _, writer = await asyncio.open_connection("127.0.0.1", crowd.port)
                    writer.write(head)
                    for _ in range(_LARGE // 65_536):
                        writer.write(b"x" * 65_536)
                        await writer.drain()
                    writer.close()
            await asyncio.sleep(0.05)

    heads = (_BEGUN, b"GET /symbols HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % _LARGE)
    async with asyncio.TaskGroup() as group:
        for head in 2 * heads:
            group.create_task(large(head))
        for number in range(crowd.count):
            group.create_task(slow())
            if number % _CONNECTING == 0:
                await asyncio.sleep(0.01)
        _say("all have come")
    return Heard(most, [])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the crowd that the one argument asks for, as JSON; print when it is there, and a Heard."""
    crowd = msgspec.json.decode(sys.argv[1], type=Crowd)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    heard = asyncio.run(_listen(crowd) if crowd.kind == "listeners" else _harm(crowd))
    _say(msgspec.json.encode(heard).decode())


if __name__ == "__main__":
    main()
