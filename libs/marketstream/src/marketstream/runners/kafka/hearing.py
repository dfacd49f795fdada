"""Brings messages from a thread that listens to Kafka into the event loop of a part's work."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from marketstream.ports import Tap
from marketstream.topics import Topic

type Listening = Sequence[tuple[Sequence[Topic], Tap]]


class Hearing:
    """Has taps called in the event loop that this is made in, with what `put` is told elsewhere.

    Hundreds of messages may come in a moment: none of them is worth a turn of the loop by itself.
    """

    def __init__(self, listening: Listening) -> None:
        self.topics = list(dict.fromkeys(topic for topics, _ in listening for topic in topics))
        self._taps: defaultdict[type, list[Tap]] = defaultdict(list)
        for topics, tap in listening:
            for topic in topics:
                self._taps[topic.message].append(tap)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Any, int]] = deque()
        self._wake = asyncio.Event()

    def put(self, message: Any, received_ns: int) -> None:
        """Have a message heard soon, after those put before; from any one thread."""
        self._waiting.append((message, received_ns))
        if len(self._waiting) == 1:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Tell the taps until cancelled; raises what fails in one of them."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                message, received_ns = self._waiting.popleft()
                for tap in self._taps[type(message)]:
                    tap(message, received_ns)
