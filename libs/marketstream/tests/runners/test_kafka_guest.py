"""A broker of somebody else's is left as it was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quixstreams.models.topics.exceptions import TopicNotFoundError

from marketstream.errors import NetworkError, SettingsError
from marketstream.messages import Trades
from marketstream.runners.kafka.connection import connect, open_topic, with_topic
from marketstream.runners.kafka.guest import guest
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.testing import free_port, running_kafka
from marketstream.topics import CANDLES, Topic


def topics(settings: KafkaSettings) -> set[str]:
    consumer: Any = connect(settings, "test").get_consumer(auto_commit_enable=False)
    try:
        known = consumer.list_topics(timeout=10).topics
        return {name for name in known if not name.startswith("__")}  # Kafka's own
    finally:
        consumer.close()


def make(settings: KafkaSettings, *names: str) -> None:
    for name in names:
        open_topic(connect(settings, "test"), Topic(name, Trades), settings)


@pytest.mark.kafka
def test_a_guest_takes_along_what_it_brought_and_stays_away_from_a_system(tmp_path: Path) -> None:
    with running_kafka(tmp_path) as address:
        settings = KafkaSettings(broker=address, partitions=1)
        make(settings, "bench-old")
        before = topics(settings)
        with guest(settings, ["bench-", "candles"]):
            make(settings, "bench-trades", "changelog__candles--trades--default", "somebody-else")
            make(settings, CANDLES.name)
        assert topics(settings) == before | {"somebody-else"}
        make(settings, CANDLES.name)
        with (
            pytest.raises(SettingsError, match=rf"{address} has topics .* \(candles\): let KAFKA_"),
            guest(settings, ["bench-", "candles"]),
        ):
            pass
        assert CANDLES.name in topics(settings)


def test_a_guest_says_which_broker_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketstream.runners.kafka.guest._ANSWER_S", 0.5)
    settings = KafkaSettings(broker=f"127.0.0.1:{free_port()}")
    with (
        pytest.raises(NetworkError, match=f"{settings.broker} does not answer"),
        guest(settings, []),
    ):
        pass


def test_a_topic_that_the_broker_does_not_show_yet_is_asked_for_again() -> None:
    answers: list[Exception | str] = [TopicNotFoundError("not yet"), "the topic"]

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert with_topic("trades", KafkaSettings(), look) == "the topic"


def test_a_topic_that_is_never_shown_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketstream.runners.kafka.connection._ANSWER_S", 0.0)

    def look() -> str:
        raise TopicNotFoundError("not there")

    with pytest.raises(NetworkError, match="topic trades cannot be opened at localhost:9092"):
        with_topic("trades", KafkaSettings(), look)
