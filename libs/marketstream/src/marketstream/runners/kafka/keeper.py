"""Has what topics bring kept: read with offsets of its own, committed once it is stored."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from loguru import logger
from quixstreams import Application
from quixstreams.sinks import BaseSink
from quixstreams.sinks.base import SinkBackpressureError

from marketstream.errors import BadMessage, TransientStateError
from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.runners.kafka.connection import connect, open_topic, received_ns_of
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.membership import Membership
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.statistics import Statistics
from marketstream.topics import DEAD_LETTERS, Topic

_INTERVAL_S = 0.5
_MOST = 5_000  # messages between two commits
_AGAIN_AFTER_S = 5.0

type Keep = Callable[[Sequence[Any], Sequence[int]], None]
"""Stores messages; told with them is when was received what each follows from (ns), 0 unknown."""


class KafkaKeeper:
    """Gives `keep` the messages of some topics in batches, in order; it has stored them by then.

    Where it raises TransientStateError the topics wait, and the same messages come again. What is
    no message, or of none of `markets` where they are given, is handed to `put_aside`.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[Topic],
        keep: Keep,
        settings: KafkaSettings,
        metrics: Metrics,
        put_aside: Callable[[DeadLetter], None],
        *,
        markets: Container[str] | None = None,
    ) -> None:
        self._name = name
        self._topics = topics
        self._settings = settings
        self._metrics = metrics
        self._markets = markets
        self._keep = keep
        self._put_aside = put_aside
        self._membership = Membership(name, self._application)

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`, then commit; in the main thread only.

        NetworkError where Kafka is gone for two minutes; whatever `keep` raises that does not pass.
        """
        self._membership.run()

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._membership.stop()

    def _application(self) -> Application:
        """Return an application of the group, as the first or after one that failed."""
        names = [topic.name for topic in self._topics]
        statistics = Statistics(self._name, names, self._metrics, _nothing)
        application = connect(
            self._settings, self._name, statistics.update,
            commit_every=_MOST, commit_interval_s=_INTERVAL_S,
        )  # fmt: skip
        opened = [open_topic(application, topic, self._settings) for topic in self._topics]
        decoding = Decoding(
            {one.name: topic for one, topic in zip(opened, self._topics, strict=True)},
            markets=self._markets,
        )
        letters = {
            one.name
            for one, topic in zip(opened, self._topics, strict=True)
            if topic.message is DEAD_LETTERS.message
        }
        sink = _Sink(
            decoding, letters, self._keep, self._aside, lambda: self._membership.committing()
        )
        for one in opened:
            application.dataframe(one).sink(sink)
        return application

    def _aside(self, letter: DeadLetter) -> None:
        self._metrics.dead_letters.labels(self._name).inc()
        self._put_aside(letter)


class _Sink(BaseSink):
    """What Quix asks to be safe before it commits."""

    def __init__(
        self,
        decoding: Decoding,
        letters: Container[str],
        keep: Keep,
        put_aside: Callable[[DeadLetter], None],
        committing: Callable[[], None],
    ) -> None:
        super().__init__(on_client_connect_success=lambda: None)
        self._decoding = decoding
        self._letters = letters
        self._keep = keep
        self._put_aside = put_aside
        self._committing = committing
        self._batch: list[Any] = []
        self._received_ns: list[int] = []

    def add(
        self, value: Any, key: Any, timestamp: int, headers: Any, topic: str, partition: int,
        offset: int,
    ) -> None:  # fmt: skip
        try:
            self._batch.append(self._decoding.message(topic, value, key))
            self._received_ns.append(received_ns_of(headers))
        except BadMessage as error:
            where = f"{topic}[{partition}]@{offset}"
            if topic in self._letters:  # it would come back for ever
                logger.warning("Left out what is no dead letter", source=where, reason=str(error))
                return
            self._put_aside(DeadLetter(where, value or b"", str(error), timestamp * 1_000))

    def flush(self) -> None:
        self._committing()
        batch, received_ns = self._batch, self._received_ns
        self._batch, self._received_ns = [], []
        if not batch:
            return
        try:
            self._keep(batch, received_ns)
        except TransientStateError as error:
            logger.warning("Cannot store", reason=str(error), retry_in_s=_AGAIN_AFTER_S)
            raise SinkBackpressureError(retry_after=_AGAIN_AFTER_S) from error

    def on_paused(self) -> None:
        self._batch.clear()
        self._received_ns.clear()


def _nothing(partitions: set[int]) -> None:
    """Keep no state by partition."""
    del partitions
