"""A broker of somebody else's, left as it was found: for benchmarks, whose trades are made up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from confluent_kafka.admin import AdminClient  # type: ignore[import-untyped]

from marketstream.errors import NetworkError, SettingsError
from marketstream.runners.kafka.changelogs import admin_of
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import ALL_TOPICS

_ANSWER_S = 10.0
_CHANGELOG = "changelog__"


@contextmanager
def guest(settings: KafkaSettings, ours: Sequence[str]) -> Iterator[None]:
    """Delete, at the end, the topics made meanwhile whose names begin with one of `ours`.

    Kafka forgets what groups had read of them. SettingsError where topics of the pipeline are there
    already: some system has its trades on them, and made-up ones have no place among those.
    NetworkError where the broker does not answer.
    """
    admin = admin_of(connect(settings, "guest"))
    try:
        before = _topics(admin)
        taken = [topic.name for topic in ALL_TOPICS if topic.name in before]
        if taken:
            raise SettingsError(
                f"the broker at {settings.broker} has topics of a system already "
                f"({', '.join(taken)}): let KAFKA_BROKER name an empty one, or none"
            )
        try:
            yield
        finally:
            beginnings = tuple(part + name for name in ours for part in ("", _CHANGELOG))
            made = [name for name in _topics(admin) - before if name.startswith(beginnings)]
            for deleted in admin.delete_topics(made).values() if made else ():
                deleted.result()
    except KafkaException as error:
        raise NetworkError(
            f"the broker at {settings.broker} does not answer ({error}): see whether it runs and "
            "KAFKA_* say how to log in there"
        ) from error


def _topics(admin: AdminClient) -> set[str]:
    return set(admin.list_topics(timeout=_ANSWER_S).topics)
