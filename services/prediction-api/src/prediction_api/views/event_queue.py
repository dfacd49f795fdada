"""Events that wait for one client, who falls behind at their own cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

_MOST_WAITING = 512

type Encode = Callable[[str, object, str | None], bytes]
"""Writes an event of a name, what it tells, and its id."""


def event(name: str, data: object, number: str | None = None) -> bytes:
    """Return an event as the HTML standard has them (section 9.2, Server-sent events).

    With a `number` it has an id, which a client that comes back tells.
    """
    encoded = b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
    return encoded if number is None else b"id: %b\n%b" % (number.encode(), encoded)


def line(name: str, data: object, number: str | None = None) -> bytes:
    """Return an event as a line of JSON: its name as `event`, its `id`, and what it tells."""
    return msgspec.json.encode({"id": number, "event": name, "data": data}) + b"\n"


class EventQueue:
    """A bounded queue of encoded events; one that is full ends, and nothing waits for it."""

    def __init__(self, most: int = _MOST_WAITING) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(most)

    def put(self, encoded: bytes) -> bool:
        """Add an event; False where there is no room, which ends the queue."""
        try:
            self._queue.put_nowait(encoded)
        except asyncio.QueueFull:
            self.end()
            return False
        return True

    def end(self) -> None:
        """Drop what waits and say that nothing follows."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self, timeout_s: float) -> bytes | None:
        """Return what waits, all at once, or nothing (b"") after the timeout; None at the end."""
        try:
            async with asyncio.timeout(timeout_s):
                waiting = [await self._queue.get()]
        except TimeoutError:
            return b""
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        told = [encoded for encoded in waiting if encoded is not None]
        return b"".join(told) if len(told) == len(waiting) else None


class MarketQueue(EventQueue):
    """Puts a market's events into a queue of several: each is said to be of it by `market`."""

    def __init__(self, market: str, into: EventQueue) -> None:
        super().__init__(1)
        self._named = event("market", market)
        self._into = into

    def put(self, encoded: bytes) -> bool:
        """Add an event, and of which market it is."""
        return self._into.put(self.of_market(encoded))

    def end(self) -> None:
        """Have the queue of all end."""
        self._into.end()

    def of_market(self, encoded: bytes) -> bytes:
        """Return an event as it is told beside those of other markets."""
        return self._named + encoded
