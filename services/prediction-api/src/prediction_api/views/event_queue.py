"""Events that wait for one client, who falls behind at their own cost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

_MOST_WAITING = 512

type Encode = Callable[[str, object, str | None], bytes]
"""Writes an event of a name, what it tells, and its id."""

type Told = Callable[[], None]

type TellMissed = Callable[[str | None], bytes]
"""Writes that events were lost: after the one of an id, or from the first one on."""


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
    """A bounded queue of encoded events, for which nothing waits.

    One that is full ends. Where `missed` says how losses are told, it loses the oldest instead,
    and tells of them before what is left: by the id of what was taken last, or, before anything
    was, of what it `begins_after`.
    """

    def __init__(self, most: int = _MOST_WAITING, missed: TellMissed | None = None) -> None:
        self._most = most
        self._missed = missed
        self._waiting: deque[tuple[bytes, str | None]] = deque()
        self._is_ended = False
        self._taken_id: str | None = None  # of the last that was
        self._has_lost = False
        self._news = asyncio.Event()
        self._told: Told = self._news.set

    def put(self, encoded: bytes, number: str | None = None) -> bool:
        """Add an event, and its id; False where there is no room, which ends the queue."""
        if self._is_ended:
            return True
        if len(self._waiting) >= self._most:
            if self._missed is None:
                self.end()
                return False
            self._waiting.popleft()
            self._has_lost = True
        self._waiting.append((encoded, number))
        self._told()
        return True

    def begins_after(self, number: str | None) -> None:
        """Note the id of the event after which the first one comes."""
        self._taken_id = number

    def end(self) -> None:
        """Drop what waits and say that nothing follows."""
        self._waiting.clear()
        self._is_ended = True
        self._told()

    def tell(self, told: Told) -> None:
        """Call `told` whenever there is something to take, for who does not wait by `next`."""
        self._told = told
        if self._waiting or self._is_ended:
            told()

    def take(self) -> bytes | None:
        """Return what waits, all at once, or nothing (b""); None at the end."""
        self._news.clear()
        if self._is_ended:
            self._news.set()
            return None
        told = [encoded for encoded, _ in self._waiting]
        if self._has_lost and self._missed is not None:
            told.insert(0, self._missed(self._taken_id))
        if self._waiting:
            self._taken_id = self._waiting[-1][1] or self._taken_id
        self._waiting.clear()
        self._has_lost = False
        return b"".join(told)

    async def next(self, timeout_s: float) -> bytes | None:
        """Return what waits, all at once, or nothing (b"") after the timeout; None at the end."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return b""
        return self.take()


class MarketQueue(EventQueue):
    """Puts a market's events into a queue of several: each is said to be of it by `market`."""

    def __init__(self, market: str, into: EventQueue) -> None:
        super().__init__(1)
        self._named = event("market", market)
        self._into = into

    def put(self, encoded: bytes, number: str | None = None) -> bool:
        """Add an event, and of which market it is."""
        return self._into.put(self.of_market(encoded), number)

    def end(self) -> None:
        """Have the queue of all end."""
        self._into.end()

    def of_market(self, encoded: bytes) -> bytes:
        """Return an event as it is told beside those of other markets."""
        return self._named + encoded
