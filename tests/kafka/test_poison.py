"""Poison of every kind on every topic of a running system: put aside, and the stream goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer  # type: ignore[import-untyped]

from marketstream.messages.dead_letter import MOST_RAW
from marketstream.runners.kafka.dead_letters import KeptLetter, read_dead_letters
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.testing import MARKET, absurd, good
from marketstream.testing import running_kafka
from marketstream.topics import ALL_TOPICS, DEAD_LETTERS, STATUS, TRADES

from .system import SERVICES, MakeSystem

pytestmark = pytest.mark.kafka

LARGE = 5_000_000
READ = [topic.name for topic in ALL_TOPICS if topic not in (DEAD_LETTERS, STATUS)]
"""The topics whose reader puts aside what it cannot use; the API leaves it out of the others."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """Give a broker that takes messages of 5 MB."""
    with running_kafka(tmp_path / "kafka", "message.max.bytes=10000000") as address:
        yield address


def unreadable(topic: str) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Yield values that are no messages, or not to be used, with their keys."""
    now_us = time.time_ns() // 1_000
    key = MARKET.encode()
    fine = msgspec.json.encode(good(MARKET, now_us)[topic])
    yield key, b"no JSON"
    yield key, b"\xff\xfe\x00"
    yield key, b'{"market":1}'
    yield key, b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield key, b'{"market":"\xff"}'
    yield key, None
    yield key, b""
    yield key, b'"' + b"x" * 900_000 + b'"'
    yield key, b'"' + b"x" * LARGE + b'"'
    yield b"k" * 900_000, b"no JSON, and a large key"
    yield b"nobody:NO/ONE", msgspec.json.encode(good("nobody:NO/ONE", now_us)[topic])
    yield key, fine.replace(b"1000", b"1e400", 1) if b"1000" in fine else b'{"market":1e400}'


def implausible(topic: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield values that are messages as their schema says, and cannot be."""
    now_us = time.time_ns() // 1_000
    message = good(MARKET, now_us)[topic]
    for name, changes in absurd(now_us):
        if name == topic:
            with suppress(OverflowError):  # integers that our own encoder does not write
                changed = msgspec.structs.replace(message, **changes)
                yield MARKET.encode(), msgspec.json.encode(changed)


def ahead() -> Iterator[tuple[bytes, bytes]]:
    """Yield trades that could be, were they not of minutes from now, with candles to wait."""
    now_us = time.time_ns() // 1_000
    message = good(MARKET, now_us)["trades"]
    for ahead_s in (30, 300, 584, 3_600):
        late_us = now_us + ahead_s * 1_000_000
        yield (
            MARKET.encode(),
            msgspec.json.encode(
                msgspec.structs.replace(message, trades=(), quote=None, seen_until_us=late_us)
            ),
        )
        trade = msgspec.structs.replace(message.trades[0], time_us=late_us)
        yield (
            MARKET.encode(),
            msgspec.json.encode(
                msgspec.structs.replace(message, trades=(trade,), seen_until_us=late_us + 1)
            ),
        )


def poison(broker: str) -> dict[str, int]:
    """Put all of it on all topics; return how many on each."""
    producer = Producer(
        {"bootstrap.servers": broker, "message.max.bytes": 10_000_000, "linger.ms": 5}
    )
    sent: dict[str, int] = {}
    values: list[tuple[bytes | None, bytes | None]]
    for topic in ALL_TOPICS:
        if topic is DEAD_LETTERS:
            values = [(None, b"no JSON"), (None, b'"' + b"x" * LARGE + b'"')]
        else:
            values = [*unreadable(topic.name), *implausible(topic.name)]
            if topic is TRADES:
                values += ahead()
        for key, value in values:
            producer.produce(topic.name, value, key)
        sent[topic.name] = len(values)
    assert producer.flush(30) == 0
    return sent


def assert_fit(letters: list[KeptLetter]) -> None:
    for kept in letters:
        assert len(kept.letter.raw) <= MOST_RAW
        assert (kept.letter.size is None) == (kept.letter.sha256 is None)
    assert LARGE + 2 in {kept.letter.size for kept in letters}


@pytest.mark.timeout(240)
def test_poison_on_every_topic_is_put_aside_and_predictions_go_on(
    broker: str, make_system: MakeSystem
) -> None:
    system = make_system(("BTC/USDT",), 50.0, {"trades": {"history_minutes": 3}})
    for service in SERVICES:
        system.start(service)
    system.wait_for("predictions", system.predicts)
    settings = KafkaSettings(broker=broker)
    sent = poison(broker)
    poisoned_ms = time.time_ns() // 1_000_000

    def all_there() -> bool:
        found = Counter(kept.came_from for kept in read_dead_letters(settings))
        return all(found[name] >= sent[name] for name in READ)

    system.wait_for("dead letters of all that was sent", all_there)
    system.wait_until_stored(poisoned_ms + 5_000)
    assert_fit(read_dead_letters(settings))
    assert system.ask("/health")[1]["status"] == "ok"
    for service in SERVICES:
        assert "Traceback" not in system.log(service), service
    candles = [one for one in system.candles(MARKET) if one.close_time_ms > poisoned_ms]
    assert {one.trade_count < 1_000 for one in candles} == {True}
    assert max(one.close_time_ms for one in candles) < time.time_ns() // 1_000_000 + 1_000
