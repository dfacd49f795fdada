"""What a part is given from outside where it is a process of its own on Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from marketstream.errors import StateError, TransientStateError
from marketstream.messages import Message
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.ports import Tap
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tail import read_tail
from marketstream.store.port import Store
from marketstream.topics import Topic


class KafkaPorts:
    """Ports of one process on Kafka; `close` delivers what is on its way and closes the store.

    Once `ending` is set nobody waits for a store that is not open yet.
    """

    speed = 1.0

    def __init__(
        self,
        kafka: KafkaSettings,
        plan: Plan,
        metrics: Metrics,
        state: Path,
        open_store: Callable[[threading.Event], Store],
        preview_ms: int | None = None,
    ) -> None:
        self.kafka = kafka
        self.plan = plan
        self.metrics = metrics
        self.state = state
        self.preview_ms = preview_ms
        self.listening: list[tuple[Sequence[Topic], Tap]] = []
        self.ending = threading.Event()
        self._open_store = open_store
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._failures = 0
        self._failure: StateError | None = None

    def clock(self) -> int:
        """Return the time in ns."""
        return time.time_ns()

    def connect(self) -> None:
        """Make what publishes, for whoever begins to only later, when the broker may be away."""
        _ = self._publisher

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Hand a message over for delivery; from any thread."""
        self._publisher.publish(message, received_ns)

    async def drain(self) -> None:
        """Wait while too many messages are on their way."""
        await self._publisher.drain()

    def listen(self, topics: Sequence[Topic], tap: Tap, *, can_wait: bool = False) -> None:
        """Remember who listens to what, for whoever runs the part."""
        del can_wait  # every message is a turn of its own
        self.listening.append((topics, tap))

    def tail(
        self,
        topic: Topic,
        markets: Sequence[str],
        enough: Callable[[Sequence[Message]], bool],
        back_ms: int | None = None,
    ) -> Mapping[str, Sequence[Message]]:
        """Return what was published last by market, read from the topic."""
        return read_tail(self.kafka, topic, markets, enough, self.plan.group_of, back_ms)

    def close(self) -> None:
        """Deliver what is on its way, and close the store."""
        if self._store is not None:
            self._store.close()
        if "_publisher" in self.__dict__:
            self._publisher.flush()

    def store(self) -> Store:
        """Return the store, opened the first time, whichever thread asks.

        It is waited for, so not in an event loop. Raises StateError where it cannot be used: for
        all at once who waited meanwhile.
        """
        failures = self._failures
        with self._opening:
            if self._store is None:
                if self._failure is not None and self._failures > failures:
                    raise type(self._failure)(str(self._failure)) from self._failure
                if self.ending.is_set():
                    raise TransientStateError("the service ends: its store is not opened any more")
                try:
                    self._store = self._open_store(self.ending)
                except StateError as error:
                    self._failures, self._failure = self._failures + 1, error
                    raise
        return self._store

    @cached_property
    def _publisher(self) -> KafkaPublisher:
        return KafkaPublisher(self.kafka, self.metrics, group_of=self.plan.group_of)
