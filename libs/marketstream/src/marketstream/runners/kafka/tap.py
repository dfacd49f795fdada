"""Listens to topics without taking part in their processing: what a dashboard or an API reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any

from confluent_kafka import TopicPartition  # type: ignore[import-untyped]
from loguru import logger

from marketstream.errors import BadMessage, NetworkError
from marketstream.ports import Tap
from marketstream.runners.kafka.connection import connect, open_topic, received_ns_of
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

_POLL_S = 0.1
_ANSWER_S = 10.0


class KafkaTap:
    """Tells `on_message` of every message of some topics.

    It begins with what is published after it was made, or with what was published at `since_ms` or
    later. Order is kept within a market and topic. Partitions added later are not heard until it is
    made anew. What is no message is logged and left out: the stage that reads it puts it aside.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[Topic],
        on_message: Tap,
        *,
        since_ms: int | None = None,
    ) -> None:
        self._on_message = on_message
        application = connect(settings, "tap")
        self._names = [open_topic(application, topic, settings).name for topic in topics]
        self._decoding = Decoding(dict(zip(self._names, topics, strict=True)))
        self._stopping = Event()
        self._consumer = application.get_consumer(auto_commit_enable=False)
        self._consumer.assign(list(self._beginnings(since_ms)))

    def run(self) -> None:
        """Listen until `stop`; for a thread of its own, such as `asyncio.to_thread` gives."""
        try:
            while not self._stopping.is_set():
                message = self._consumer.poll(_POLL_S)
                if message is not None:
                    self._tell(message)
        finally:
            self._consumer.close()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._stopping.set()

    def _beginnings(self, since_ms: int | None) -> Iterator[TopicPartition]:
        known = self._consumer.list_topics(timeout=_ANSWER_S).topics
        for name in self._names:
            for partition in known[name].partitions:
                yield TopicPartition(name, partition, self._beginning(name, partition, since_ms))

    def _beginning(self, name: str, partition: int, since_ms: int | None) -> int:
        end = self._consumer.get_watermark_offsets(TopicPartition(name, partition), _ANSWER_S)[1]
        if since_ms is None:
            return end
        asked = TopicPartition(name, partition, since_ms)
        (found,) = self._consumer.offsets_for_times([asked], _ANSWER_S)
        return end if found.offset < 0 else found.offset

    def _tell(self, raw: Any) -> None:
        if raw.error() is not None:
            if raw.error().retriable():
                return  # librdkafka is at it already
            raise NetworkError(f"{raw.topic()} cannot be read: {raw.error().str()}")
        try:
            message = self._decoding.message(raw.topic(), raw.value(), raw.key())
        except BadMessage as error:
            where = f"{raw.topic()}[{raw.partition()}]@{raw.offset()}"
            logger.warning("Left out what is no message", source=where, reason=str(error))
            return
        self._on_message(message, received_ns_of(raw.headers()))
