"""Has a stage begin anew: without what it kept, from a place on its topic that is chosen.

`realtime reset` does it; in a service's container, which has no such command, this file does:
`python -m marketstream.runners.kafka.reset candles earliest`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from confluent_kafka import (  # type: ignore[import-untyped]
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[import-untyped]
from quixstreams import Application
from quixstreams.state.metadata import CHANGELOG_CF_MESSAGE_HEADER

from marketstream.errors import NetworkError, RealtimeError, SettingsError, StateError
from marketstream.moments import moment_ms
from marketstream.runners.kafka.changelogs import admin_of, changelogs
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.reading import Extent, extents, read_between
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import load_settings
from marketstream.topics import CANDLES, FEATURES, KEPT_TOPICS, TRADES, Topic

READS: dict[str, tuple[Topic, ...]] = {
    "candles": (TRADES,),
    "technical_indicators": (CANDLES,),
    "predictor": (FEATURES,),
    "storekeeper": KEPT_TOPICS,
}
"""The topics of each stage."""

type Place = Literal["earliest", "latest"] | int
"""From where on a stage reads; a number is when that was published, in ms."""

_ANSWER_S = 10.0
_LOOK_AGAIN_S = 0.2
_NOT_YET = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)


def place_of(text: str) -> Place:
    """Return the place that a word, a time (in UTC unless it says), or how long ago it is names."""
    match text:
        case "earliest" | "latest":
            return text
    try:
        return moment_ms(text, time.time_ns() // 1_000_000)
    except SettingsError as error:
        raise SettingsError(
            f"{text!r} is no place: write earliest, latest, a time such as "
            "2026-11-22T03:00Z, or so long ago, as in 90m"
        ) from error


def reset_stage(
    settings: KafkaSettings, stage: str, reads: Sequence[Topic], place: Place
) -> dict[str, list[Extent]]:
    """Empty the state of a stage and set its offsets; return what it will read of its topics.

    Its workers have to be stopped: one that was killed, or has a name, counts as running until its
    session times out, which is waited for. May be called again where it was interrupted.

    StateError where a worker still runs, NetworkError where the broker does not answer.
    """
    application = connect(settings, stage)
    topics = {topic.name: open_topic(application, topic, settings).name for topic in reads}
    group = application.config.consumer_group
    admin = admin_of(application)
    try:
        _wait_for_workers(admin, group, settings.session_timeout_ms / 1_000)
        _empty(application, changelogs(application, admin))
        to_read = {
            name: [_from(admin, topic, extent, place) for extent in extents(application, topic)]
            for name, topic in topics.items()
        }
        offsets = [
            TopicPartition(topics[name], each.partition, each.first)
            for name, found in to_read.items()
            for each in found
        ]
        _set_offsets(admin, group, offsets)
    except KafkaException as error:
        raise NetworkError(
            f"stage {stage} cannot be reset at {settings.broker} ({error}): see whether the broker "
            "runs and lets us alter the offsets of groups, then reset it once more"
        ) from error
    return to_read


def _wait_for_workers(admin: AdminClient, group: str, session_s: float) -> None:
    give_up_s = time.monotonic() + session_s + 1
    while (members := _members(admin, group)) != 0:
        if time.monotonic() > give_up_s:
            if members is None:
                raise NetworkError(
                    f"the broker does not say whether {group} has workers: ask again"
                )
            raise StateError(
                f"stage {group} still has {members} worker{'s' * (members > 1)}: stop all of them, "
                "then reset it once more"
            )
        time.sleep(_LOOK_AGAIN_S)


def _members(admin: AdminClient, group: str) -> int | None:
    """Return how many workers a group has; None while the broker still makes up who knows."""
    (asked,) = admin.describe_consumer_groups([group]).values()
    try:
        return len(asked.result(_ANSWER_S).members)
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.GROUP_ID_NOT_FOUND:
            return 0
        if code in _NOT_YET:
            return None
        raise


def _empty(application: Application, topics: list[str]) -> None:
    """Write on changelogs that each key they hold is gone.

    So whoever has the state in a folder, wherever that is, empties it as it reads on. Without the
    topics: one that begins again at 0 is refused by those folders.
    """
    producer = application.get_producer()
    for topic in topics:
        for extent in extents(application, topic):
            held: dict[tuple[bytes, bytes], bool] = {}
            for raw in read_between(application, topic, extent):
                family = dict(raw.headers() or ())[CHANGELOG_CF_MESSAGE_HEADER]
                held[raw.key(), family] = raw.value() is not None
            for (key, family), is_held in held.items():
                if is_held:
                    headers = [(CHANGELOG_CF_MESSAGE_HEADER, family)]
                    producer.produce(topic, None, key, headers, extent.partition)
    if producer.flush(_ANSWER_S):
        raise NetworkError("not all of the state was emptied: the broker does not answer")


def _from(admin: AdminClient, topic: str, extent: Extent, place: Place) -> Extent:
    """Return the part of an extent that begins at a place."""
    if place == "earliest":
        return extent
    if place == "latest":
        return extent._replace(first=extent.end)
    partition = TopicPartition(topic, extent.partition)
    (asked,) = admin.list_offsets({partition: OffsetSpec.for_timestamp(place)}).values()
    offset = asked.result(_ANSWER_S).offset
    return extent._replace(first=extent.end if offset < 0 else offset)


def _set_offsets(admin: AdminClient, group: str, offsets: list[TopicPartition]) -> None:
    (asked,) = admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, offsets)]
    ).values()
    for partition in asked.result(_ANSWER_S).topic_partitions:
        if partition.error is not None:
            raise KafkaException(partition.error)


def summary(stage: str, to_read: Mapping[str, Sequence[Extent]]) -> str:
    """Return what was done, for people."""
    count = sum(extent.end - extent.first for found in to_read.values() for extent in found)
    return f"{stage} begins anew, with {count:,} messages of {', '.join(to_read)} to read"


def _main(arguments: list[str]) -> None:
    try:
        if len(arguments) != 2 or arguments[0] not in READS:
            raise SettingsError(f"name a stage and a place: {'|'.join(READS)} earliest|latest|90m")
        stage, place = arguments[0], place_of(arguments[1])
        to_read = reset_stage(load_settings(KafkaSettings, None), stage, READS[stage], place)
    except RealtimeError as error:
        sys.stderr.write(f"reset: {error}\n")
        sys.exit(error.exit_code)
    sys.stdout.write(f"{summary(stage, to_read)}\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
