"""Ports for the tests of a part alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from marketstream.errors import StateError
from marketstream.messages import Message
from marketstream.metrics import Metrics
from marketstream.ports import Tap
from marketstream.store.port import Store
from marketstream.topics import Topic


class FakePorts:
    """Ports for a part alone: what it publishes is kept, what it hears is passed on by the test."""

    def __init__(self, state: Path, store: Store | None = None) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.speed = 1.0
        self.state = state
        self.preview_ms: int | None = None
        self.now_ns = 0
        self.published: list[tuple[Message, int]] = []
        self.tails: dict[str, dict[str, list[Message]]] = {}
        self._listening: list[tuple[set[type], Tap]] = []
        self._store = store

    def clock(self) -> int:
        """Return the time that the test has set."""
        return self.now_ns

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Keep what is published."""
        self.published.append((message, received_ns))

    async def drain(self) -> None:
        """Let others have a turn."""
        await asyncio.sleep(0)

    def listen(self, topics: Sequence[Topic], tap: Tap, *, can_wait: bool = False) -> None:
        """Remember who listens to what."""
        del can_wait
        self._listening.append(({topic.message for topic in topics}, tap))

    def tail(
        self,
        topic: Topic,
        markets: Sequence[str],
        enough: Callable[[Sequence[Message]], bool],
        back_ms: int | None = None,
    ) -> Mapping[str, Sequence[Message]]:
        """Return what the test has put there."""
        del enough, back_ms
        kept = self.tails.get(topic.name, {})
        return {market: kept.get(market, []) for market in markets}

    def store(self) -> Store:
        """Return the store the test gave."""
        if self._store is None:
            raise StateError("this test has no store")
        return self._store

    def pass_on(self, message: Message, received_ns: int = 0) -> None:
        """Tell those who listen to messages of this kind, by whichever name of its topic."""
        for kinds, tap in self._listening:
            if type(message) in kinds:
                tap(message, received_ns)


class LivePorts(FakePorts):
    """The same in the time that it is."""

    def clock(self) -> int:
        """Return the time of the machine."""
        return time.time_ns()
