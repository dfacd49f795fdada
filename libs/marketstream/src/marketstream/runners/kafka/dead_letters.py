"""Dead letters on their topic: read them all, and send them where they came from once more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import TopicPartition  # type: ignore[import-untyped]

from marketstream.errors import InputError, NetworkError
from marketstream.messages import DeadLetter
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import DEAD_LETTERS

_SOURCE = re.compile(r"(.+)\[\d+\]@\d+")
_ANSWER_S = 10.0


class KeptLetter(NamedTuple):
    """A dead letter, its place on the topic (`partition-offset`), and the key it came with."""

    id: str
    key: bytes | None
    letter: DeadLetter


def read_dead_letters(settings: KafkaSettings) -> list[KeptLetter]:
    """Return the dead letters there are, oldest first."""
    application = connect(settings, "dead letters")
    name = open_topic(application, DEAD_LETTERS, settings).name
    decode = msgspec.json.Decoder(DeadLetter).decode
    letters: list[KeptLetter] = []
    consumer = application.get_consumer(auto_commit_enable=False)
    try:
        for partition in consumer.list_topics(timeout=_ANSWER_S).topics[name].partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(name, partition), _ANSWER_S)
            place = TopicPartition(name, partition, first)
            consumer.assign([place])
            while first < end and consumer.position([place])[0].offset < end:
                raw = _next(consumer)
                letter = decode(raw.value())
                letters.append(KeptLetter(f"{partition}-{raw.offset()}", raw.key(), letter))
    finally:
        consumer.close()  # type: ignore[no-untyped-call]
    return sorted(letters, key=lambda kept: kept.letter.received_us)


def _next(consumer: Any) -> Any:
    raw = consumer.poll(_ANSWER_S)
    if raw is None or raw.error() is not None:
        reason = "it is silent" if raw is None else raw.error().str()
        raise NetworkError(f"the broker does not hand out its dead letters: {reason}")
    return raw


def send_again(settings: KafkaSettings, letters: Iterable[KeptLetter]) -> int:
    """Publish the raw bytes of letters on the topics they came from; return how many.

    They stay among the dead letters. InputError for one that came from no topic: a frame of an
    exchange, say.
    """
    producer = connect(settings, "dead letters").get_producer()
    sent = 0
    for kept in letters:
        found = _SOURCE.fullmatch(kept.letter.source)
        if found is None:
            raise InputError(
                f"dead letter {kept.id} came from {kept.letter.source}, which is no topic: it "
                "cannot be sent there again"
            )
        producer.produce(found[1], kept.letter.raw, kept.key)
        sent += 1
    if producer.flush(_ANSWER_S):
        raise NetworkError("not all letters were delivered: the broker does not answer")
    return sent
