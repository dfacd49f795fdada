"""A broker of somebody else's, left as it was found: for benchmarks, whose messages are made up."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from confluent_kafka.admin import AdminClient  # type: ignore[import-untyped]

from marketstream.errors import NetworkError, SettingsError
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import ALL_TOPICS

_ANSWER_S = 10.0
_CHANGELOG = "changelog__"


@contextmanager
def guest(settings: KafkaSettings, ours: Collection[str]) -> Iterator[None]:
    """Delete the topics and groups made meanwhile whose names begin with one of `ours`.

    SettingsError where topics of the pipeline are there already: a system works, or has worked,
    with them, and made-up trades have no place among its own. NetworkError without an answer.
    """
    address: Any = connect(settings, "guest").config.broker_address
    admin = AdminClient(address.as_librdkafka_dict())
    before = _names(admin, settings)
    taken = [topic.name for topic in ALL_TOPICS if topic.name in before]
    if taken:
        raise SettingsError(
            f"the broker at {settings.broker} has topics of a system already "
            f"({', '.join(taken)}): name an empty one in KAFKA_BROKER, or none"
        )
    try:
        yield
    finally:
        beginnings = tuple(prefix + name for name in ours for prefix in ("", _CHANGELOG))
        made = [name for name in _names(admin, settings) - before if name.startswith(beginnings)]
        topics = admin.list_topics(timeout=_ANSWER_S).topics
        _done(admin.delete_topics([name for name in made if name in topics]))
        _done(admin.delete_consumer_groups([name for name in made if name not in topics]))


def _names(admin: AdminClient, settings: KafkaSettings) -> set[str]:
    """Return the names of all topics and groups."""
    try:
        groups = admin.list_consumer_groups(request_timeout=_ANSWER_S).result()
        topics: set[str] = set(admin.list_topics(timeout=_ANSWER_S).topics)
    except KafkaException as error:
        raise NetworkError(
            f"the broker at {settings.broker} does not answer ({error}): see whether it runs and "
            "KAFKA_* say how to log in there"
        ) from error
    return topics | {group.group_id for group in groups.valid}
