"""What goes into Kafka and what listens to it, on a real broker; and how to log in there."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from marketstream.errors import NetworkError
from marketstream.messages import DeadLetter, Trade, Trades
from marketstream.metrics import Metrics
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.testing import free_port, running_kafka
from marketstream.topics import DEAD_LETTERS, Topic

pytestmark = pytest.mark.kafka

START_US = 1_700_000_000_000_000
PASSWORD = "a password that no log shows"


def trades(number: int) -> Trades:
    time_us = START_US + number
    trade = Trade(number, 1.5, 0.25, "buy", time_us)
    return Trades("binance:BTC/USDT", (trade,), None, time_us)


def publisher(settings: KafkaSettings, *topics: Topic) -> KafkaPublisher:
    return KafkaPublisher(settings, Metrics(CollectorRegistry()), topics)


@contextmanager
def heard(
    settings: KafkaSettings, *topics: Topic, since_ms: int | None = None
) -> Iterator[list[tuple[Any, int]]]:
    """Give what a tap hears, a list that grows."""
    messages: list[tuple[Any, int]] = []
    tap = KafkaTap(settings, topics, lambda m, ns: messages.append((m, ns)), since_ms=since_ms)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(tap.run)
        yield messages
        tap.stop()
        running.result()


def wait_for(messages: list[tuple[Any, int]], count: int) -> None:
    deadline = time.monotonic() + 30
    while len(messages) < count:
        assert time.monotonic() < deadline, f"{len(messages)} of {count}"
        threading.Event().wait(0.01)


def test_a_tap_hears_what_is_published_once_it_is_there_and_from_a_time_on(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=2)
    topic = Topic("trades-tap", Trades)
    with publisher(settings, topic) as out:
        out.publish(trades(1), 11)
        out.flush()
        time_ms = time.time_ns() // 1_000_000 + 1
        while time.time_ns() // 1_000_000 <= time_ms:
            pass
        out.publish(trades(2), 12)
        out.flush()
        with heard(settings, topic) as latest:
            out.publish(trades(3), 13)
            out.publish(trades(4))
            wait_for(latest, 2)
        with heard(settings, topic, since_ms=time_ms) as since:
            wait_for(since, 3)
        with heard(settings, topic, since_ms=0) as everything:
            wait_for(everything, 4)
        with heard(settings, topic, since_ms=2**42) as nothing:
            pass
    assert latest == [(trades(3), 13), (trades(4), 0)]
    assert since == [(trades(2), 12), *latest]
    assert everything == [(trades(1), 11), *since]
    assert nothing == []


def test_a_tap_leaves_out_what_is_no_message(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=1)
    topic = Topic("trades-odd", Trades)
    with publisher(settings, topic, DEAD_LETTERS) as out, heard(settings, topic) as messages:
        raw = connect(settings, "odd").get_producer()
        raw.produce(topic.name, b"{", b"binance:BTC/USDT")
        raw.produce(topic.name, None, b"binance:BTC/USDT")
        raw.flush()
        out.publish(trades(1))
        wait_for(messages, 1)
        letter = DeadLetter("a frame", b"\xff\x00", "no JSON", 7)
        with heard(settings, DEAD_LETTERS) as letters:
            out.publish(letter)
            wait_for(letters, 1)
    assert messages == [(trades(1), 0)]
    assert letters == [(letter, 0)]


def test_a_publisher_with_much_on_its_way_waits_in_drain_and_loses_nothing(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=1)
    topic = Topic("trades-many", Trades)

    async def publish_all() -> None:
        for number in range(30_000):
            out.publish(trades(number))
            await out.drain()

    with publisher(settings, topic) as out, heard(settings, topic) as messages:
        asyncio.run(publish_all())
        out.flush()
        wait_for(messages, 30_000)
    assert [message.trades[0].id for message, _ in messages] == list(range(30_000))


def test_topics_are_made_with_their_partitions_and_retention(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=3)
    made = open_topic(connect(settings, "g"), Topic("trades-made", Trades, 6 * 3_600_000), settings)
    assert made.broker_config.num_partitions == 3
    assert made.broker_config.extra_config["retention.ms"] == "21600000"
    assert made.broker_config.extra_config["cleanup.policy"] == "delete"


def test_a_broker_that_does_not_answer_is_named_with_what_to_do() -> None:
    settings = KafkaSettings(broker=f"127.0.0.1:{free_port()}")
    with pytest.raises(NetworkError, match=rf"topic trades .* at {settings.broker} .* KAFKA_\*"):
        publisher(settings, Topic("trades", Trades))


def test_login_and_encryption_as_the_settings_say(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kafka",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    keystore = tmp_path / "keystore.pem"
    keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
    properties = (
        "listener.security.protocol.map=CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms=PLAIN",
        "sasl.mechanism.inter.broker.protocol=PLAIN",
        "listener.name.clients.plain.sasl.jaas.config="
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="worker" password="{PASSWORD}" user_worker="{PASSWORD}";',
        "ssl.keystore.type=PEM",
        f"ssl.keystore.location={keystore}",
        "ssl.truststore.type=PEM",
        f"ssl.truststore.location={certificate}",
    )
    with running_kafka(tmp_path, *properties) as address:
        right = KafkaSettings(
            broker=address,
            security_protocol="SASL_SSL",
            sasl_username="worker",
            sasl_password=SecretStr(PASSWORD),
            ca_location=certificate,
            partitions=1,
        )
        topic = Topic("trades", Trades)
        with publisher(right, topic) as out, heard(right, topic) as messages:
            out.publish(trades(1), 5)
            wait_for(messages, 1)
        assert messages == [(trades(1), 5)]
        wrong = right.model_copy(update={"sasl_password": SecretStr("guessed")})
        with pytest.raises(NetworkError) as refused:
            publisher(wrong, topic)
    for text in (caplog.text, str(refused.value), repr(right), str(connect(right, "g").config)):
        assert PASSWORD not in text
        assert "guessed" not in text
