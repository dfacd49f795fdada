"""Events written to very many clients, a few at a time, so that predictions do not wait for them.

A thousand tasks that wake at once hold up all else for as long as all of them take. So what is told
is written to connections without tasks, and after every few of them whatever else is due has its
turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from prediction_api.views.event_queue import EventQueue

_AT_ONCE = 16
_KEPT_ALIVE_S = 15.0  # proxies close what is silent for longer
_MOST_UNREAD = 4  # times in a row that a client was seen to take nothing
_ALIVE = b": nothing has happened\n\n"

CONNECTION = "realtime.connection"
"""Where a request's scope has the connection, where an answer may be written to it in chunks."""


class Chunks(Protocol):
    """A connection whose answer has begun, to be written on in chunks (RFC 9112, 7.1)."""

    def write_chunk(self, chunk: bytes) -> None:
        """Write a chunk, without waiting."""

    def is_full(self) -> bool:
        """Say whether more waits to be taken by the client than should."""

    def tell_writable(self, told: Callable[[], None]) -> None:
        """Call `told` whenever it is no longer full."""

    def abort(self) -> None:
        """Close it, whatever waits."""


class Delivery:
    """Whose turn it is among the queues that have something to write."""

    def __init__(self) -> None:
        self._due: dict[_Written, None] = {}
        self._is_planned = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def write(self, queue: EventQueue, to: Chunks, left: asyncio.Task[object]) -> None:
        """Write what a queue is told until it ends, or the client has left."""
        self._loop = asyncio.get_running_loop()
        written = _Written(queue, to, self)
        unread = 0
        while True:
            ended = asyncio.ensure_future(written.ended.wait())
            await asyncio.wait({ended, left}, timeout=_KEPT_ALIVE_S, return_when="FIRST_COMPLETED")
            ended.cancel()
            if left.done():
                return
            unread = unread + 1 if to.is_full() else 0
            if unread > _MOST_UNREAD or (unread and written.ended.is_set()):
                to.abort()
                return
            if written.ended.is_set():
                return
            if not written.wrote and not unread:
                to.write_chunk(_ALIVE)
            written.wrote = False

    def due(self, written: _Written) -> None:
        """Give a queue its turn."""
        self._due[written] = None
        if not self._is_planned and self._loop is not None:
            self._is_planned = True
            self._loop.call_soon_threadsafe(self._deliver)  # whoever tells it

    def _deliver(self) -> None:
        self._is_planned = False
        for _ in range(min(_AT_ONCE, len(self._due))):
            written = next(iter(self._due))
            del self._due[written]
            written.deliver()
        if self._due and not self._is_planned and self._loop is not None:
            self._is_planned = True
            self._loop.call_soon(self._deliver)


class _Written:
    """A queue and the connection that it is written to."""

    def __init__(self, queue: EventQueue, to: Chunks, delivery: Delivery) -> None:
        self.ended = asyncio.Event()
        self.wrote = True
        self._queue = queue
        self._to = to
        self._delivery = delivery
        to.tell_writable(self._is_due)
        queue.tell(self._is_due)

    def deliver(self) -> None:
        """Write what waits, unless the client has to read first."""
        if self._to.is_full():
            return
        told = self._queue.take()
        if told is None:
            self.ended.set()
        elif told:
            self.wrote = True
            self._to.write_chunk(told)

    def _is_due(self) -> None:
        self._delivery.due(self)
