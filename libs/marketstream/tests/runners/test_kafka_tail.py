"""What was published last, read backwards from a real broker."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Trade, Trades
from marketstream.metrics import Metrics
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tail import read_tail
from marketstream.topics import Topic

pytestmark = pytest.mark.kafka

MARKETS = ("binance:BTC/USDT", "binance:ETH/USDT", "binance:SOL/USDT")


def trades(market: str, number: int) -> Trades:
    time_us = 1_700_000_000_000_000 + number
    return Trades(market, (Trade(number, 1.5, 0.25, "buy", time_us),), None, time_us)


@pytest.fixture
def topic() -> Topic:
    return Topic(f"trades-{uuid.uuid4().hex}", Trades)


def numbers(tail: list[Trades]) -> list[int]:
    return [message.trades[0].id for message in tail]


def test_the_tail_of_each_market_is_read_until_it_is_enough(kafka: str, topic: Topic) -> None:
    settings = KafkaSettings(broker=kafka)
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic]) as publisher:
        for number in range(5_000):
            publisher.publish(trades(MARKETS[number % 2], number))
    tails = read_tail(settings, topic, MARKETS[:2], lambda tail: len(tail) >= 10)
    for place, market in enumerate(MARKETS[:2]):
        found = numbers(tails[market])
        assert 10 <= len(found) < 2_500
        assert found == [n for n in range(5_000) if n % 2 == place][-len(found) :]


def test_a_market_without_messages_has_an_empty_tail(kafka: str, topic: Topic) -> None:
    settings = KafkaSettings(broker=kafka)
    assert read_tail(settings, topic, MARKETS, bool) == {market: [] for market in MARKETS}
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic]) as publisher:
        publisher.publish(trades(MARKETS[0], 7))
    tails = read_tail(settings, topic, MARKETS, bool)
    assert [numbers(tails[market]) for market in MARKETS] == [[7], [], []]


def test_what_is_no_message_is_passed_over(kafka: str, topic: Topic) -> None:
    settings = KafkaSettings(broker=kafka)
    application = connect(settings, "test")
    open_topic(application, topic, settings)
    producer = application.get_producer()
    producer.produce(topic.name, b"{}", MARKETS[0].encode())
    producer.flush()
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic]) as publisher:
        publisher.publish(trades(MARKETS[0], 7))
    assert numbers(read_tail(settings, topic, MARKETS, bool)[MARKETS[0]]) == [7]


def publish_at(producer: Any, topic: Topic, message: Trades, time_ms: int) -> None:
    value, key = msgspec.json.encode(message), message.market.encode()
    producer.produce(topic.name, value, key, timestamp=time_ms, partition=0)


def test_a_calm_market_among_busy_ones_is_looked_for_so_far_back_and_no_farther(
    kafka: str, topic: Topic
) -> None:
    settings = KafkaSettings(broker=kafka, partitions=1)
    application = connect(settings, "test")
    open_topic(application, topic, settings)
    producer = application.get_producer()
    calm, silent, busy = MARKETS
    begin_ms = 1_790_000_000_000
    publish_at(producer, topic, trades(silent, 1), begin_ms)
    publish_at(producer, topic, trades(calm, 2), begin_ms + 500_000)
    for number in range(40_000):
        publish_at(producer, topic, trades(busy, 3 + number), begin_ms + 600_001 + 10 * number)
    producer.flush()
    tails = read_tail(settings, topic, MARKETS, lambda tail: len(tail) >= 10, back_ms=600_000)
    assert numbers(tails[calm]) == [2]
    assert numbers(tails[busy])[-1] == 40_002
    assert len(tails[busy]) <= 2_000  # more of it is not kept
    early = read_tail(settings, topic, MARKETS, lambda tail: len(tail) >= 10, back_ms=60_000)
    assert early[calm] == early[silent] == []
