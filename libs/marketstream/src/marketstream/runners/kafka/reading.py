"""Reads stretches of a topic, without taking part in its processing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import KafkaException, TopicPartition  # type: ignore[import-untyped]
from quixstreams import Application

from marketstream.errors import NetworkError

_POLL_S = 0.1
_ANSWER_S = 10.0


class Extent(NamedTuple):
    """The offsets that a partition has: from `first`, up to but without `end`."""

    partition: int
    first: int
    end: int


def extents(application: Application, topic: str) -> list[Extent]:
    """Return the extents of a topic's partitions."""
    consumer: Any = application.get_consumer(auto_commit_enable=False)
    try:
        partitions = consumer.list_topics(timeout=_ANSWER_S).topics[topic].partitions
        return [Extent(number, *_ends(consumer, topic, number)) for number in partitions]
    finally:
        consumer.close()


def _ends(consumer: Any, topic: str, partition: int) -> tuple[int, int]:
    """Ask for the offsets of a partition until it has a leader: a new one takes a moment."""
    give_up_s = time.monotonic() + _ANSWER_S
    while True:
        try:
            ends: tuple[int, int] = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), _ANSWER_S
            )
        except KafkaException as error:
            if time.monotonic() < give_up_s:
                time.sleep(_POLL_S)
                continue
            raise NetworkError(f"{topic} cannot be read: {error}") from error
        return ends


def read_between(application: Application, topic: str, extent: Extent) -> Iterator[Any]:
    """Yield Kafka's messages in an extent; transactions leave holes.

    Each time with a consumer of its own: librdkafka may abort when one is assigned anew so soon.
    """
    start, end = TopicPartition(topic, extent.partition, extent.first), extent.end
    if extent.first >= end:
        return
    consumer: Any = application.get_consumer(auto_commit_enable=False)
    try:
        consumer.assign([start])
        patient_until_s = time.monotonic() + _ANSWER_S
        while consumer.position([start])[0].offset < end:
            raw = consumer.poll(_POLL_S)
            if raw is None:
                if time.monotonic() > patient_until_s:
                    raise NetworkError(f"{topic} cannot be read to its end: no answer")
                continue
            if raw.error() is not None:
                raise NetworkError(f"{topic} cannot be read: {raw.error().str()}")
            patient_until_s = time.monotonic() + _ANSWER_S
            if raw.offset() < end:
                yield raw
    finally:
        consumer.close()
