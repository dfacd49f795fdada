"""What a part is given from outside where all of them run in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prometheus_client import Counter

from marketstream.errors import BadMessage
from marketstream.messages import Candle, DeadLetter, Features, Message
from marketstream.metrics import Metrics
from marketstream.ports import Part, Tap
from marketstream.runners import plausible
from marketstream.runners.flood import Flood
from marketstream.runners.in_process import InProcessRunner, Later
from marketstream.stage import Stage
from marketstream.store.port import Store
from marketstream.store.writer import StoreWriter
from marketstream.topics import ALL_TOPICS, Topic


class InProcessPorts:
    """Ports of all parts of one process, which is one event loop and one runner.

    What is listened to first is heard first. `close` writes what is left for the store. What cannot
    be is put aside as a dead letter before any stage sees it, and so is what an operator cannot
    use.
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
        self.runner = InProcessRunner(later=later, refused=self._refused)
        self._flood = Flood()
        self._clock = clock
        self._store = store
        self._writers: list[StoreWriter] = []
        self._stored: dict[str, int] = {}
        for topic in ALL_TOPICS:
            count = partial(_count, metrics.messages.labels(topic.name))
            self.runner.tap(topic, count, can_wait=True)

    def add(self, part: Part) -> None:
        """Drive a part's stages, and have what it keeps kept, in batches on a thread of its own."""
        for stage in part.stages:
            self.runner.add(stage)
        if part.keep is not None:
            writer = StoreWriter(part.keep, metrics=self.metrics)
            self._writers.append(writer)
            for topic in part.keeps:
                self.runner.tap(topic, partial(self._put, writer), can_wait=True)

    def clock(self) -> int:
        """Return the time in ns by which things are received."""
        return self._clock()

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Run a message through all stages."""
        if isinstance(message, DeadLetter):
            self._put_aside(message)
            return
        if self._flood.owes:
            self._tell(self._flood.due(self._clock() / 1e9))
        try:
            plausible.check(message, self._clock() // 1_000)
        except BadMessage as error:
            self._refuse("edge", message, error)
            return
        self.runner.publish(message, received_ns)

    def _refused(self, stage: Stage, message: Message, error: BadMessage) -> None:
        self._refuse(stage.name, message, error)

    def _refuse(self, source: str, message: Message, error: BadMessage) -> None:
        self.metrics.dead_letters.labels(source).inc()
        raw = repr(message).encode()
        self._put_aside(DeadLetter(source, raw, str(error), self._clock() // 1_000))

    def _put_aside(self, letter: DeadLetter) -> None:
        self._tell(self._flood.admit(letter, self._clock() / 1e9))

    def _tell(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            self.runner.publish(letter)

    async def drain(self) -> None:
        """Let others have a turn: what is published is done by then."""
        await asyncio.sleep(0)

    def listen(self, topics: Sequence[Topic], tap: Tap, *, can_wait: bool = False) -> None:
        """Have `tap` told of what passes."""
        for topic in topics:
            self.runner.tap(topic, tap, can_wait=can_wait)

    def tail(
        self,
        topic: Topic,
        markets: Sequence[str],
        enough: Callable[[Sequence[Message]], bool],
        back_ms: int | None = None,
    ) -> Mapping[str, Sequence[Message]]:
        """Return nothing: topics of one process are gone with it; the store has the candles."""
        del topic, enough, back_ms
        return dict.fromkeys(markets, ())

    def store(self) -> Store:
        """Return the store."""
        return self._store

    @contextmanager
    def stored(self, market: str, until_ms: int) -> Iterator[None]:
        """Keep no closes of a market up to a time anew: they come from the store, and are there."""
        self._stored[market] = until_ms
        try:
            yield
        finally:
            del self._stored[market]

    def _put(self, writer: StoreWriter, message: Message, received_ns: int) -> None:
        del received_ns
        if isinstance(message, Candle | Features):
            stored_ms = self._stored.get(message.market)
            if stored_ms is not None and message.close_time_ms <= stored_ms:
                return
        writer.put(message)

    def close(self) -> None:
        """Write what is left to be kept."""
        self._tell(self._flood.rest())
        self.runner.tell_waiting()
        for writer in self._writers:
            writer.close()


def _count(passed: Counter, message: Message, received_ns: int) -> None:
    del message, received_ns
    passed.inc()
