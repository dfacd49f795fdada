"""Drives one stage on Kafka: a worker of the consumer group that shares the stage's markets."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import reduce
from typing import Any

import msgspec
from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from quixstreams import MessageContext, State, message_context
from quixstreams.exceptions import QuixException
from quixstreams.models import Topic as KafkaTopic
from quixstreams.state.exceptions import (
    InvalidChangelogOffset,
    InvalidStoreChangelogOffset,
    StateRecoveryOffsetOutOfRange,
)
from quixstreams.state.rocksdb import RocksDBCorruptedError

from marketstream.errors import BadMessage, NetworkError, StateError
from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.ports import Tap
from marketstream.runners.kafka.changelogs import keep_short
from marketstream.runners.kafka.connection import (
    Headers,
    connect,
    open_topic,
    received_ns_of,
    with_topic,
)
from marketstream.runners.kafka.operators import Operators
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.statistics import Statistics
from marketstream.stage import Stage
from marketstream.topics import DEAD_LETTERS, Topic

type Decoder = msgspec.json.Decoder[Any]

_UNFIT_FOLDER = (
    InvalidChangelogOffset,
    InvalidStoreChangelogOffset,
    StateRecoveryOffsetOutOfRange,
    RocksDBCorruptedError,
)


class KafkaRunner:
    """Reads the stage's topics, has each key's operator fold them, writes what follows.

    What cannot be read, and what an operator refuses with BadMessage, becomes a dead letter; the
    stream goes on. A message may be read, and what follows from it written, more than once: whoever
    reads it knows it by its identity. A tap is told of each message of its topic that this worker
    reads or writes, between two messages.

    `group_of` says under which key the messages of a market travel. Topics that are read together
    have as many partitions as each other, so that one worker gets all of a key; they are read in
    the order of their times.
    """

    def __init__(
        self,
        stage: Stage,
        settings: KafkaSettings,
        metrics: Metrics,
        *,
        group_of: Callable[[str], str] = str,
    ) -> None:
        self._stage = stage
        self._group_of = group_of
        self._folder = settings.state_folder
        self._metrics = metrics
        self._operators = Operators(stage.name, stage.make_operator, self._saved)
        statistics = Statistics(
            stage.name,
            [topic.name for topic in stage.reads],
            metrics,
            self._operators.forget_all_but,
        )
        self._application = connect(settings, stage.name, statistics.update)
        self._topics: dict[type, KafkaTopic] = {
            topic.message: open_topic(self._application, topic, settings)
            for topic in (*stage.writes, DEAD_LETTERS)
        }
        self._taps: dict[type, list[Tap]] = defaultdict(list)
        self._hop = metrics.hop.labels(stage.name)
        self._decoders: dict[str, Decoder] = {}
        frame = self._frame(settings)
        keep_short(self._application)
        frame.to_topic(self._topic_of)
        frame.sink(self._operators)

    def _frame(self, settings: KafkaSettings) -> Any:
        sources = []
        for topic in self._stage.reads:
            opened = open_topic(self._application, topic, settings)
            self._decoders[opened.name] = msgspec.json.Decoder[Any](topic.message)
            sources.append(self._application.dataframe(opened))
        source = reduce(lambda one, other: one.concat(other), sources)
        return with_topic(
            f"changelog of {self._stage.name}",
            settings,
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
            self._application.run()
        except _UNFIT_FOLDER as error:
            raise StateError(
                f"stage {self._stage.name} cannot use its state in {self._folder} ({error}): "
                "delete that folder, for Kafka has all of it"
            ) from error
        except (KafkaException, QuixException) as error:
            raise NetworkError(f"stage {self._stage.name} cannot go on: {error}") from error

    def stop(self) -> None:
        """Have `run` end soon; from any thread."""
        self._application.stop()

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
        try:
            message = self._decode(context.topic, raw, key)
            held = self._operators.of(
                stage.key(message), context.topic, context.partition, context.offset, state
            )
            following = [stage.finish(made, received_ns) for made in held.operator.update(message)]
            held.offsets[context.topic] = context.offset
        except BadMessage as error:
            return [self._dead_letter(raw or b"", context, time_ms, str(error))]
        if received_ns:
            self._hop.observe((time.time_ns() - received_ns) / 1e9)
        if self._taps:
            for passed in (message, *following):
                for tap in self._taps.get(type(passed), ()):
                    tap(passed, received_ns)
        return following

    def _decode(self, topic: str, raw: bytes | None, key: bytes | None) -> Any:
        if raw is None:
            raise BadMessage("it has no value")
        decoder = self._decoders[topic]
        try:
            message = decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise BadMessage(f"it is no {decoder.type.__name__}: {error}") from error
        if key != self._group_of(message.market).encode():
            raise BadMessage(f"its key is {key!r}, and its market {message.market!r}")
        return message

    def _dead_letter(
        self, raw: bytes, context: MessageContext, time_ms: int, reason: str
    ) -> DeadLetter:
        self._metrics.dead_letters.labels(self._stage.name).inc()
        source = f"{context.topic}[{context.partition}]@{context.offset}"
        return DeadLetter(source, raw, reason, time_ms * 1_000)

    def _topic_of(self, message: Any, _key: Any, _time_ms: int, _headers: Any) -> KafkaTopic:
        topic = self._topics.get(type(message))
        if topic is None:
            topic = self._topics[self._stage.topic_of(message).message]
        self._metrics.messages.labels(topic.name).inc()
        return topic

    def _saved(self, key: str, size: int) -> None:
        self._metrics.state_bytes.labels(self._stage.name, key).set(size)
