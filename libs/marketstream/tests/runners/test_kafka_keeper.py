"""Topics are kept in batches on a real broker, whatever the store does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from marketstream.errors import StateError, TransientStateError
from marketstream.messages import DeadLetter, Trade, Trades
from marketstream.metrics import Metrics
from marketstream.runners.kafka import keeper
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.keeper import KafkaKeeper
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import DEAD_LETTERS, Topic

pytestmark = pytest.mark.kafka

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000


def trades(number: int) -> Trades:
    time_us = START_US + number
    return Trades(MARKET, (Trade(number, 1.5, 0.25, "buy", time_us),), None, time_us)


class Shelf:
    """Keeps what it is given, but for the first times."""

    def __init__(self, *failures: Exception) -> None:
        self.kept: list[Any] = []
        self.received_ns: list[int] = []
        self._failures = list(failures)
        self.failed = threading.Event()

    def keep(self, messages: Sequence[Any], received_ns: Sequence[int]) -> None:
        if self._failures:
            self.failed.set()
            raise self._failures.pop(0)
        self.kept += messages
        self.received_ns += received_ns


def run_until(kept_by: KafkaKeeper, enough: threading.Event) -> None:
    """Run in this thread until enough is kept; Quix takes signals only in the main one."""

    def stop() -> None:
        assert enough.wait(60)
        kept_by.stop()

    with ThreadPoolExecutor() as pool:
        stopping = pool.submit(stop)
        kept_by.run()
        stopping.result()


def keeper_of(settings: KafkaSettings, topic: Topic, shelf: Shelf, put_aside: Any) -> KafkaKeeper:
    metrics = Metrics(CollectorRegistry())
    return KafkaKeeper(f"keeper-{topic.name}", [topic], shelf.keep, settings, metrics, put_aside)


class Watched(Shelf):
    def __init__(self, enough: int, *failures: Exception) -> None:
        super().__init__(*failures)
        self.enough = threading.Event()
        self._wanted = enough

    def keep(self, messages: Sequence[Any], received_ns: Sequence[int]) -> None:
        super().keep(messages, received_ns)
        if len(self.kept) >= self._wanted:
            self.enough.set()


def test_what_is_kept_is_not_read_again_and_what_failed_is(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_AGAIN_AFTER_S", 0.5)
    settings = KafkaSettings(broker=kafka, partitions=1)
    topic = Topic("trades-kept", Trades)
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic, DEAD_LETTERS]) as out:
        for number in range(100):
            out.publish(trades(number), number)
        out.flush()
        away = Watched(100, TransientStateError("away"), TransientStateError("still away"))
        run_until(keeper_of(settings, topic, away, out.publish), away.enough)
        assert [m.trades[0].id for m in away.kept] == away.received_ns == list(range(100))
        for number in range(100, 120):
            out.publish(trades(number))
        out.flush()
        again = Watched(20)
        run_until(keeper_of(settings, topic, again, out.publish), again.enough)
        assert [m.trades[0].id for m in again.kept] == list(range(100, 120))


def test_what_is_no_message_is_put_aside(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=1)
    topic = Topic("trades-odd-kept", Trades)
    aside: list[DeadLetter] = []
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic]) as out:
        producer = connect(settings, "odd").get_producer()
        producer.produce(topic.name, b"{", MARKET.encode())
        producer.flush()
        out.publish(trades(7))
        out.flush()
        shelf = Watched(1)
        run_until(keeper_of(settings, topic, shelf, aside.append), shelf.enough)
    assert shelf.kept == [trades(7)]
    (letter,) = aside
    assert (letter.source, letter.raw) == ("trades-odd-kept[0]@0", b"{")
    assert letter.reason.startswith("it is no Trades: ")


def test_a_failure_that_does_not_pass_ends_it(kafka: str) -> None:
    settings = KafkaSettings(broker=kafka, partitions=1)
    topic = Topic("trades-lost", Trades)
    with KafkaPublisher(settings, Metrics(CollectorRegistry()), [topic]) as out:
        out.publish(trades(1))
        out.flush()
    shelf = Shelf(StateError("the disk is full"))
    with pytest.raises(StateError, match="the disk is full"):
        keeper_of(settings, topic, shelf, list.append).run()
