"""Drives one stage on Kafka: a worker of the consumer group that shares the stage's markets."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from functools import reduce
from typing import Any

from quixstreams import Application, MessageContext, State, message_context
from quixstreams.models import Topic as KafkaTopic

from marketstream.errors import BadMessage, StateError
from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.ports import Tap
from marketstream.runners.flood import Flood
from marketstream.runners.kafka.changelogs import keep_short
from marketstream.runners.kafka.connection import (
    Headers,
    connect,
    open_topic,
    received_ns_of,
    with_topic,
)
from marketstream.runners.kafka.decoding import Decoding
from marketstream.runners.kafka.membership import UNFIT_STATE, Membership
from marketstream.runners.kafka.operators import Operators
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.statistics import Statistics
from marketstream.stage import Stage
from marketstream.topics import DEAD_LETTERS, Topic

_LONGEST_KEY = 10_000  # bytes; longer ones would not leave room for a dead letter


class KafkaRunner:
    """Reads the stage's topics, has each key's operator fold them, writes what follows.

    What cannot be read, what an operator refuses or fails on, and what cannot be published becomes
    a dead letter; the stream goes on. A message may be read, and what follows from it written, more
    than once: whoever reads it knows it by its identity. A tap is told of each message of its topic
    that this worker reads or writes, between two messages.

    `group_of` says under which key the messages of a market travel, `markets` of which there are
    any, all where it is None. Topics that are read together have as many partitions as each other,
    so that one worker gets all of a key; they are read in the order of their times.
    """

    def __init__(
        self,
        stage: Stage,
        settings: KafkaSettings,
        metrics: Metrics,
        *,
        group_of: Callable[[str], str] = str,
        markets: Container[str] | None = None,
    ) -> None:
        self._stage = stage
        self._group_of = group_of
        self._markets = markets
        self._settings = settings
        self._metrics = metrics
        self._taps: dict[type, list[Tap]] = defaultdict(list)
        self._hop = metrics.hop.labels(stage.name)
        self._flood = Flood()
        self._unpublished: list[DeadLetter] = []
        self._key: bytes | None = None
        self._operators = Operators(
            stage.name, stage.make_operator, self._saved, lambda: self._membership.committing()
        )
        self._membership = Membership(f"stage {stage.name}", self._application)

    def _application(self) -> Application:
        """Return an application of the group, as the first or after one that failed."""
        self._operators.forget()
        stage, settings = self._stage, self._settings
        statistics = Statistics(
            stage.name,
            [topic.name for topic in stage.reads],
            self._metrics,
            self._operators.forget_all_but,
        )
        application = connect(
            settings, stage.name, statistics.update, on_unpublished=self._put_aside
        )
        self._topics: dict[type, KafkaTopic] = {
            topic.message: open_topic(application, topic, settings)
            for topic in (*stage.writes, DEAD_LETTERS)
        }
        frame = self._frame(application)
        keep_short(application)
        frame.to_topic(self._topic_of, key=lambda _value: self._key)
        frame.sink(self._operators)
        return application

    def _frame(self, application: Application) -> Any:
        opened = [open_topic(application, topic, self._settings) for topic in self._stage.reads]
        self._decoding = Decoding(
            {one.name: topic for one, topic in zip(opened, self._stage.reads, strict=True)},
            group_of=self._group_of,
            markets=self._markets,
        )
        source = reduce(
            lambda one, other: one.concat(other), [application.dataframe(one) for one in opened]
        )
        return with_topic(
            f"changelog of {self._stage.name}",
            self._settings,
            lambda: source.apply(self._process, expand=True, stateful=True, metadata=True),
        )

    def tap(self, topic: Topic, tap: Tap) -> None:
        """Have `tap` told of the messages of a topic, in order, between two of them."""
        self._taps[topic.message].append(tap)

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or `stop`, then commit; in the main thread only.

        NetworkError where Kafka is gone for two minutes, or takes nothing from us. StateError where
        the state folder is damaged, or of other topics than these.
        """
        try:
            self._membership.run()
        except UNFIT_STATE as error:
            raise StateError(
                f"stage {self._stage.name} cannot use its state in {self._settings.state_folder} "
                f"({error}): delete that folder, for Kafka has all of it"
            ) from error

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._membership.stop()

    def _process(
        self,
        raw: bytes | None,
        key: bytes | None,
        time_ms: int,
        headers: Headers,
        state: State[str, bytes],
    ) -> list[Any]:
        context = message_context()
        received_ns = received_ns_of(headers)
        stage = self._stage
        self._key = key
        try:
            message = self._decoding.message(context.topic, raw, key, time_ms)
            held = self._operators.of(
                stage.key(message), context.topic, context.partition, context.offset, state
            )
            following = [stage.finish(made, received_ns) for made in held.operator.update(message)]
            held.offsets[context.topic] = context.offset
        except BadMessage as error:
            return [*self._due(), *self._dead_letter(raw or b"", key, context, time_ms, str(error))]
        if received_ns:
            self._hop.observe((time.time_ns() - received_ns) / 1e9)
        if self._taps:
            for passed in (message, *following):
                for tap in self._taps.get(type(passed), ()):
                    tap(passed, received_ns)
        return [*following, *self._due()] if self._unpublished or self._flood.owes else following

    def _dead_letter(
        self, raw: bytes, key: bytes | None, context: MessageContext, time_ms: int, reason: str
    ) -> Sequence[DeadLetter]:
        if key is not None and len(key) > _LONGEST_KEY:
            self._key = None
        self._metrics.dead_letters.labels(self._stage.name).inc()
        source = f"{context.topic}[{context.partition}]@{context.offset}"
        letter = DeadLetter(source, raw, reason, time_ms * 1_000)
        return self._flood.admit(letter, time.monotonic())

    def _put_aside(self, value: Any, reason: str) -> None:
        """Have a dead letter for what could not be published follow on the next message."""
        self._metrics.dead_letters.labels(self._stage.name).inc()
        letter = DeadLetter(self._stage.name, repr(value).encode(), reason, time.time_ns() // 1_000)
        self._unpublished += self._flood.admit(letter, time.monotonic())

    def _due(self) -> Sequence[DeadLetter]:
        unpublished, self._unpublished = self._unpublished, []
        return [*unpublished, *self._flood.due(time.monotonic())]

    def _topic_of(self, message: Any, _key: Any, _time_ms: int, _headers: Any) -> KafkaTopic:
        topic = self._topics.get(type(message))
        if topic is None:
            topic = self._topics[self._stage.topic_of(message).message]
        self._metrics.messages.labels(topic.name).inc()
        return topic

    def _saved(self, key: str, size: int) -> None:
        self._metrics.state_bytes.labels(self._stage.name, key).set(size)
