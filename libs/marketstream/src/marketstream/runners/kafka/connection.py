"""Connections to Kafka and the topics there, as the settings say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException  # type: ignore[import-untyped]
from quixstreams import Application
from quixstreams.exceptions import QuixException
from quixstreams.kafka import ConnectionConfig
from quixstreams.models import Serializer, TopicConfig
from quixstreams.models import Topic as KafkaTopic
from quixstreams.models.topics.exceptions import TopicNotFoundError

from marketstream.errors import NetworkError
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import Topic

RECEIVED_NS = "received_ns"
"""The header that hands on when the edge received what a message follows from."""

type Headers = Sequence[tuple[str, bytes]] | None

type Unpublished = Callable[[Any, str], None]
"""Told of a value that cannot be published, and why."""

_ANSWER_S = 5.0
_POLL_TIMEOUT_S = 0.1  # a message ends it at once; a signal to stop waits for it
_LOOK_AGAIN_S = 0.25
UNPUBLISHED = (KafkaException, TypeError, ValueError, OverflowError, RecursionError)
UNFIT = frozenset((KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD))
_TRANSACTION_TIMEOUT_MS = 10_000  # readers wait so long for what a killed process left open


def connect(
    settings: KafkaSettings,
    group: str,
    on_statistics: Callable[[str], None] | None = None,
    *,
    on_unpublished: Unpublished | None = None,
    commit_every: int = 0,
    commit_interval_s: float | None = None,
) -> Application:
    """Return the application of a consumer group; nothing is sent to the broker yet.

    `on_statistics` is told librdkafka's statistics of the consumer, as JSON, every 2 seconds. What
    has been read is committed at the settings' interval, or `commit_interval_s`, and after
    `commit_every` messages where that is not 0. `on_unpublished` is told of what cannot be
    published as it is, and the others go on; without it that is an error.
    """
    if commit_interval_s is None:
        commit_interval_s = settings.commit_every_s
    token = settings.quix_sdk_token
    producer: dict[str, Any] = {
        "linger.ms": 0,  # what comes while a request is on its way travels together anyhow
        "compression.type": "lz4",
    }
    consumer: dict[str, Any] = {
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": settings.session_timeout_ms // 3,
        "fetch.queue.backoff.ms": 20,
    }
    if settings.worker is not None:
        consumer["group.instance.id"] = f"{group}-{settings.worker}"
    if settings.processing_guarantee == "exactly-once":
        producer["transaction.timeout.ms"] = _TRANSACTION_TIMEOUT_MS
    if on_statistics is not None:
        consumer |= {"statistics.interval.ms": 2_000, "stats_cb": on_statistics}
    return Application(
        broker_address=_broker(settings) if token is None else None,
        quix_sdk_token=None if token is None else token.get_secret_value(),
        quix_portal_api=None if token is None else settings.quix_portal_api,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=commit_interval_s,
        commit_every=commit_every,
        consumer_poll_timeout=_POLL_TIMEOUT_S,
        consumer_extra_config=consumer,
        producer_extra_config=producer,
        processing_guarantee=settings.processing_guarantee,
        request_timeout=_ANSWER_S,
        state_dir=settings.state_folder,
        loglevel=None,  # its logs go where those of this process go
        on_processing_error=_raised,
        on_producer_error=partial(_unpublished, on_unpublished),
    )


def _raised(_error: Exception, _row: object, _logger: object) -> bool:
    """Have an error raised, without a log of its own: whoever runs the application says it."""
    return False


def is_unfit(error: Exception) -> bool:
    """Say whether a message, and not the broker, is why it cannot be published."""
    if isinstance(error, KafkaException):
        return error.args[0].code() in UNFIT
    return isinstance(error, UNPUBLISHED)


def _unpublished(told: Unpublished | None, error: Exception, row: Any, _logger: object) -> bool:
    """Say whether to go on without a row that cannot be published."""
    if told is None or row is None or not is_unfit(error):
        return False
    told(row.value, str(error))
    return True


def _broker(settings: KafkaSettings) -> ConnectionConfig:
    secure: dict[str, Any] = {}
    if settings.security_protocol.startswith("sasl"):
        secure = {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_username": settings.sasl_username,
            "sasl_password": settings.sasl_password,
        }
    if settings.ca_location is not None:
        secure["ssl_ca_location"] = str(settings.ca_location)
    return ConnectionConfig(
        bootstrap_servers=settings.broker, security_protocol=settings.security_protocol, **secure
    )


class _Json(Serializer):
    def __call__(self, value: Any, ctx: Any) -> bytes:  # noqa: ARG002 - Quix passes it by name
        return msgspec.json.encode(value)


def open_topic(application: Application, topic: Topic, settings: KafkaSettings) -> KafkaTopic:
    """Return a topic whose values are read as bytes and written as JSON; it is made if missing.

    NetworkError where the broker does not answer, or does not let us make it.
    """
    config = TopicConfig(
        num_partitions=settings.partitions,
        replication_factor=settings.replication_factor,
        extra_config={
            "cleanup.policy": "delete",
            "retention.ms": str(topic.retention_ms),
            "segment.ms": str(topic.retention_ms // 6),  # only whole segments are deleted
        },
    )
    return with_topic(
        topic.name,
        settings,
        lambda: application.topic(
            topic.name,
            key_deserializer="bytes",
            value_deserializer="bytes",
            value_serializer=_Json(),
            config=config,
        ),
    )


def with_topic[T](name: str, settings: KafkaSettings, make: Callable[[], T]) -> T:
    """Return what needs a topic that may have to be made first; NetworkError as `open_topic`.

    A busy broker may not show yet what it has just made, and Quix looks once: it is asked again.
    """
    give_up_s = time.monotonic() + _ANSWER_S
    while True:
        try:
            return make()
        except (KafkaException, QuixException) as error:
            if isinstance(error, TopicNotFoundError) and time.monotonic() < give_up_s:
                time.sleep(_LOOK_AGAIN_S)
                continue
            raise NetworkError(
                f"topic {name} cannot be opened at {settings.broker} ({error}): see whether the "
                "broker runs (`make kafka` starts one) and KAFKA_* say how to log in there"
            ) from error


def received_ns_of(headers: Headers) -> int:
    """Return when the edge received what a message follows from; 0 where nothing says so."""
    for name, value in headers or ():
        if name == RECEIVED_NS and value.isdigit():
            return int(value)
    return 0
