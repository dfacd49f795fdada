"""Dead letters on their topic: read them all, and send them where they came from once more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from marketstream.errors import BadMessage, InputError, NetworkError
from marketstream.messages import DeadLetter
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.decoding import decoded
from marketstream.runners.kafka.reading import extents, read_between
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import DEAD_LETTERS

_SOURCE = re.compile(r"(.+)\[\d+\]@\d+")
_ANSWER_S = 10.0


class KeptLetter(NamedTuple):
    """A dead letter, its place on the topic (`partition-offset`), and the key it came with."""

    id: str
    key: bytes | None
    letter: DeadLetter

    @property
    def came_from(self) -> str | None:
        """The topic it came from; None for what came from none, such as a frame of an exchange."""
        found = _SOURCE.fullmatch(self.letter.source)
        return None if found is None else found[1]


def read_dead_letters(settings: KafkaSettings) -> list[KeptLetter]:
    """Return the dead letters there are, oldest first; what is none is left out."""
    application = connect(settings, "dead letters")
    name = open_topic(application, DEAD_LETTERS, settings).name
    decoder = msgspec.json.Decoder(DeadLetter)
    letters = []
    for extent in extents(application, name):
        for raw in read_between(application, name, extent):
            with suppress(BadMessage):
                letter = decoded(decoder, raw.value() or b"")
                letters.append(KeptLetter(f"{extent.partition}-{raw.offset()}", raw.key(), letter))
    return sorted(letters, key=lambda kept: kept.letter.received_us)


def send_again(settings: KafkaSettings, letters: Iterable[KeptLetter]) -> int:
    """Publish the raw bytes of letters on the topics they came from; return how many.

    They stay among the dead letters. InputError for one that came from no topic, such as a frame of
    an exchange, and for one of which not all bytes are there.
    """
    producer = connect(settings, "dead letters").get_producer()
    sent = 0
    for kept in letters:
        topic = kept.came_from
        if topic is None:
            raise InputError(
                f"dead letter {kept.id} came from {kept.letter.source}, which is no topic: it "
                "cannot be sent there again"
            )
        if kept.letter.size is not None:
            raise InputError(
                f"dead letter {kept.id} has only the first {len(kept.letter.raw):,} of "
                f"{kept.letter.size:,} bytes: it cannot be sent again"
            )
        producer.produce(topic, kept.letter.raw, kept.key)
        sent += 1
    if producer.flush(_ANSWER_S):
        raise NetworkError("not all letters were delivered: the broker does not answer")
    return sent
