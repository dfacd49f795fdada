"""Puts messages on their topics: the way out of the edge, where an event loop must not wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import msgspec

from marketstream.errors import NetworkError
from marketstream.messages import DeadLetter, Message
from marketstream.metrics import Metrics
from marketstream.runners.flood import Flood
from marketstream.runners.kafka.connection import (
    RECEIVED_NS,
    UNFIT,
    UNPUBLISHED,
    connect,
    is_unfit,
    open_topic,
)
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import ALL_TOPICS, Topic

_MOST_WAITING = 10_000  # messages; a tenth of what librdkafka's queue holds
_LOOK_AGAIN_S = 0.002
_LAST_WORDS_S = 10.0


class KafkaPublisher:
    """Publishes messages of some topics, keyed by the group of their market, from any thread.

    `publish` never waits: whoever publishes a lot awaits `drain` now and then, which is when a slow
    broker holds the edge back. What could not be delivered raises NetworkError at the next call;
    but what no broker would take, as it is too large, becomes a dead letter. So many of those are
    published as `Flood` admits.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        metrics: Metrics,
        topics: Sequence[Topic] = ALL_TOPICS,
        *,
        group_of: Callable[[str], str] = str,
    ) -> None:
        self._group_of = group_of
        application = connect(settings, "publisher")
        self._names = {
            topic.message: open_topic(application, topic, settings).name for topic in topics
        }
        self._passed = {topic.message: metrics.messages.labels(topic.name) for topic in topics}
        self._producer = application.get_producer()
        self._encode = msgspec.json.Encoder().encode
        self._failure: str | None = None
        self._flood = Flood()
        self._dead_letters = metrics.dead_letters
        self._refused: list[DeadLetter] = []

    def publish(self, message: Message, received_ns: int = 0) -> None:
        """Hand one message over for delivery; `received_ns` is when the edge received it."""
        self._raise_failure()
        if self._flood.owes or self._refused:
            self._put_aside_refused()
        if isinstance(message, DeadLetter):
            for letter in self._flood.admit(message, time.monotonic()):
                self._produce(letter, received_ns)
            return
        self._produce(message, received_ns)

    def _produce(self, message: Message, received_ns: int) -> None:
        kind = type(message)
        try:
            self._producer.produce(
                self._names[kind],
                self._encode(message),
                self._key_of(message),
                headers=[(RECEIVED_NS, str(received_ns).encode())] if received_ns else None,
                buffer_error_max_tries=1,
                on_delivery=partial(self._delivered, kind),
            )
        except BufferError as error:
            raise NetworkError(
                f"{len(self._producer):,} messages wait for the broker and no more have room: "
                "see whether it still answers"
            ) from error
        except UNPUBLISHED as error:
            if not is_unfit(error) or kind is DeadLetter:
                raise
            self._refuse(kind, repr(message).encode(), str(error))
            return
        self._passed[kind].inc()

    def _refuse(self, kind: type, raw: bytes, reason: str) -> None:
        name = self._names[kind]
        self._dead_letters.labels(name).inc()
        self._refused.append(DeadLetter(name, raw, reason, time.time_ns() // 1_000).cut())

    def _put_aside_refused(self) -> None:
        """Publish what tells of messages that could not be."""
        refused, self._refused = self._refused, []
        letters = list(self._flood.due(time.monotonic()))
        for letter in refused:
            letters += self._flood.admit(letter, time.monotonic())
        if DeadLetter in self._names:
            for letter in letters:
                self._produce(letter, 0)

    def _key_of(self, message: Message) -> bytes | None:
        return None if isinstance(message, DeadLetter) else self._group_of(message.market).encode()

    async def drain(self) -> None:
        """Wait while too many messages are on their way."""
        while len(self._producer) > _MOST_WAITING:
            self._producer.poll(0)
            self._raise_failure()
            await asyncio.sleep(_LOOK_AGAIN_S)

    def flush(self) -> None:
        """Wait until everything is delivered; NetworkError where that takes over 10 seconds."""
        left = self._producer.flush(_LAST_WORDS_S)
        if self._refused:
            self._put_aside_refused()
            left = self._producer.flush(_LAST_WORDS_S)
        self._raise_failure()
        if left:
            raise NetworkError(f"{left:,} messages were not delivered: the broker does not answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()

    def _delivered(self, kind: type, error: Any, message: Any) -> None:
        if error is None:
            return
        if error.code() in UNFIT and kind is not DeadLetter:
            self._refuse(kind, message.value() or b"", error.str())
        elif self._failure is None:
            self._failure = error.str()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise NetworkError(f"the broker did not take a message: {self._failure}")
