"""What a part is given from outside where all of them run in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from prometheus_client import Counter

from marketstream.messages import Message
from marketstream.metrics import Metrics
from marketstream.ports import Part, Tap
from marketstream.runners.in_process import InProcessRunner, Later
from marketstream.store.port import Store
from marketstream.store.writer import StoreWriter
from marketstream.topics import ALL_TOPICS, Topic


class InProcessPorts:
    """Ports of all parts of one process, which is one event loop and one runner.

    What is listened to first is heard first. `close` writes what is left for the store.
    """

    def __init__(
        self,
        metrics: Metrics,
        clock: Callable[[], int],
        state: Path,
        store: Store,
        *,
        speed: float = 1.0,
        preview_ms: int | None = None,
        later: Later | None = None,
    ) -> None:
        self.metrics = metrics
        self.speed = speed
        self.state = state
        self.preview_ms = preview_ms
        self.runner = InProcessRunner(later=later)
        self._clock = clock
        self._store = store
        self._writers: list[StoreWriter] = []
        for topic in ALL_TOPICS:
            self.runner.tap(topic, partial(_count, metrics.messages.labels(topic.name)))

    def add(self, part: Part) -> None:
        """Drive a part's stages, and have what it keeps kept, in batches on a thread of its own."""
        for stage in part.stages:
            self.runner.add(stage)
        if part.keep is not None:
            writer = StoreWriter(part.keep, metrics=self.metrics)
            self._writers.append(writer)
            for topic in part.keeps:
                self.runner.tap(topic, partial(_put, writer))

    def clock(self) -> int:
        """Return the time in ns by which things are received."""
        return self._clock()

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Run a message through all stages."""
        self.runner.publish(message, received_ns)

    async def drain(self) -> None:
        """Let others have a turn: what is published is done by then."""
        await asyncio.sleep(0)

    def listen(self, topics: Sequence[Topic], tap: Tap) -> None:
        """Have `tap` told of what passes."""
        for topic in topics:
            self.runner.tap(topic, tap)

    def tail(
        self, topic: Topic, markets: Sequence[str], enough: Callable[[Sequence[Message]], bool]
    ) -> Mapping[str, Sequence[Message]]:
        """Return nothing: topics of one process are gone with it; the store has the candles."""
        del topic, enough
        return dict.fromkeys(markets, ())

    def store(self) -> Store:
        """Return the store."""
        return self._store

    def close(self) -> None:
        """Write what is left to be kept."""
        for writer in self._writers:
            writer.close()


def _count(passed: Counter, message: Message, received_ns: int) -> None:
    del message, received_ns
    passed.inc()


def _put(writer: StoreWriter, message: Message, received_ns: int) -> None:
    del received_ns
    writer.put(message)
