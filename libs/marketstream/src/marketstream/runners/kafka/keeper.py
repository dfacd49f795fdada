"""Has what topics bring kept: read with offsets of its own, committed once it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from loguru import logger
from quixstreams.exceptions import QuixException
from quixstreams.sinks import BaseSink
from quixstreams.sinks.base import SinkBackpressureError

from marketstream.errors import NetworkError, TransientStateError
from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.statistics import Statistics
from marketstream.topics import DEAD_LETTERS, Topic

_INTERVAL_S = 0.5
_MOST = 5_000  # messages between two commits
_AGAIN_AFTER_S = 5.0

type Keep = Callable[[Sequence[Any]], None]


class KafkaKeeper:
    """Gives `keep` the messages of some topics in batches, in order; it has stored them by then.

    Where it raises TransientStateError the topics wait, and the same messages come again. What is
    no message is handed to `put_aside`.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[Topic],
        keep: Keep,
        settings: KafkaSettings,
        metrics: Metrics,
        put_aside: Callable[[DeadLetter], None],
    ) -> None:
        self._name = name
        statistics = Statistics(name, [topic.name for topic in topics], metrics, _nothing)
        self._application = connect(
            settings, name, statistics.update,
            commit_every=_MOST, commit_interval_s=_INTERVAL_S,
        )  # fmt: skip
        sink = _Sink(keep, put_aside)
        for topic in topics:
            opened = open_topic(self._application, topic, settings)
            sink.reads(opened.name, topic)
            self._application.dataframe(opened).sink(sink)

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`, then commit; in the main thread only.

        NetworkError where Kafka is gone for two minutes; whatever `keep` raises that does not pass.
        """
        try:
            self._application.run()
        except (KafkaException, QuixException) as error:
            raise NetworkError(f"{self._name} cannot go on: {error}") from error

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._application.stop()


class _Sink(BaseSink):
    """What Quix asks to be safe before it commits."""

    def __init__(self, keep: Keep, put_aside: Callable[[DeadLetter], None]) -> None:
        super().__init__(on_client_connect_success=lambda: None)
        self._keep = keep
        self._put_aside = put_aside
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._batch: list[Any] = []

    def reads(self, name: str, topic: Topic) -> None:
        self._decoders[name] = msgspec.json.Decoder(topic.message)

    def add(
        self, value: Any, key: Any, timestamp: int, headers: Any, topic: str, partition: int,
        offset: int,
    ) -> None:  # fmt: skip
        del key, headers
        decoder = self._decoders[topic]
        try:
            self._batch.append(decoder.decode(value or b""))
        except msgspec.DecodeError as error:
            where = f"{topic}[{partition}]@{offset}"
            if decoder.type is DEAD_LETTERS.message:  # it would come back for ever
                logger.warning("Left out what is no dead letter", source=where, reason=str(error))
                return
            reason = f"it is no {decoder.type.__name__}: {error}"
            self._put_aside(DeadLetter(where, value or b"", reason, timestamp * 1_000))

    def flush(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            self._keep(batch)
        except TransientStateError as error:
            logger.warning("Cannot store", reason=str(error), retry_in_s=_AGAIN_AFTER_S)
            raise SinkBackpressureError(retry_after=_AGAIN_AFTER_S) from error

    def on_paused(self) -> None:
        self._batch.clear()


def _nothing(partitions: set[int]) -> None:
    """Keep no state by partition."""
    del partitions
