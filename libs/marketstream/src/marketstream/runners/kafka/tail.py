"""What was published last: where a service that writes a topic goes on after a stop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import TopicPartition  # type: ignore[import-untyped]
from quixstreams import Application

from marketstream.errors import NetworkError
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

_STEP = 2_000
_POLL_S = 0.1
_ANSWER_S = 10.0


class Published(NamedTuple):
    """A message, and when it was published."""

    message: Any
    time_ms: int


def read_tail(
    settings: KafkaSettings,
    topic: Topic,
    markets: Collection[str],
    enough: Callable[[list[Published]], bool],
) -> dict[str, list[Published]]:
    """Return the newest messages of each market, in order: until they are `enough`, or all.

    Reads backwards, two thousand offsets of each partition at a time.
    """
    application = connect(settings, "tail")
    name = open_topic(application, topic, settings).name
    decode = msgspec.json.Decoder[Any](topic.message).decode
    found: dict[str, list[Published]] = {market: [] for market in markets}
    for partition, first, end in _extents(application, name):
        start = end
        while first < start and not all(enough(messages) for messages in found.values()):
            end, start = start, max(first, start - _STEP)
            step: dict[str, list[Published]] = {market: [] for market in markets}
            for raw in _between(application, TopicPartition(name, partition, start), end):
                key = (raw.key() or b"").decode(errors="replace")
                if key in step:
                    with contextlib.suppress(msgspec.DecodeError):  # its stage puts it aside
                        message = decode(raw.value() or b"")
                        step[key].append(Published(message, raw.timestamp()[1]))
            for market, messages in step.items():
                found[market] = messages + found[market]
    return found


def _extents(application: Application, topic: str) -> list[tuple[int, int, int]]:
    """Return each partition's number, first offset and end."""
    consumer: Any = application.get_consumer(auto_commit_enable=False)
    try:
        partitions = consumer.list_topics(timeout=_ANSWER_S).topics[topic].partitions
        return [
            (number, *consumer.get_watermark_offsets(TopicPartition(topic, number), _ANSWER_S))
            for number in partitions
        ]
    finally:
        consumer.close()


def _between(application: Application, start: TopicPartition, end: int) -> Iterator[Any]:
    """Yield what stands from an offset on, up to another one; transactions leave holes.

    Each time with a consumer of its own: librdkafka may abort when one is assigned anew so soon.
    """
    consumer: Any = application.get_consumer(auto_commit_enable=False)
    try:
        consumer.assign([start])
        patient_until_s = time.monotonic() + _ANSWER_S
        while consumer.position([start])[0].offset < end:
            raw = consumer.poll(_POLL_S)
            if raw is None:
                if time.monotonic() > patient_until_s:
                    raise NetworkError(f"{start.topic} cannot be read to its end: no answer")
                continue
            if raw.error() is not None:
                raise NetworkError(f"{start.topic} cannot be read: {raw.error().str()}")
            patient_until_s = time.monotonic() + _ANSWER_S
            if raw.offset() < end:
                yield raw
    finally:
        consumer.close()
