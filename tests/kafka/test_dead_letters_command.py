"""`realtime dead-letters` on a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import DeadLetter
from marketstream.metrics import Metrics
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.reading import extents, read_between
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.topics import TRADES

pytestmark = pytest.mark.kafka

LETTERS = (
    DeadLetter("trades[2]@17", b'{"no": "trades"}', "it is no Trades: market is missing", 1_000),
    DeadLetter("binance", b"\xff\x00 no JSON", "not JSON", 2_000_000),
)


def command(broker: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "dead-letters", *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "KAFKA_BROKER": broker},
    )


def published(broker: str) -> list[bytes]:
    settings = KafkaSettings(broker=broker)
    application = connect(settings, "test")
    name = open_topic(application, TRADES, settings).name
    return [
        raw.value()
        for extent in extents(application, name)
        for raw in read_between(application, name, extent)
    ]


def test_dead_letters_are_listed_shown_and_sent_again(broker: str, tmp_path: Path) -> None:
    with KafkaPublisher(KafkaSettings(broker=broker), Metrics(CollectorRegistry())) as publisher:
        for letter in LETTERS:
            publisher.publish(letter)

    listed = command(broker, tmp_path, "--json")
    assert listed.returncode == 0, listed.stderr
    rows = json.loads(listed.stdout)["dead_letters"]
    assert [(row["source"], row["reason"], row["bytes"]) for row in rows] == [
        (letter.source, letter.reason, len(letter.raw)) for letter in LETTERS
    ]
    text = command(broker, tmp_path).stdout.decode()
    assert text.count("\n") == 2
    assert rows[0]["id"] in text

    shown = command(broker, tmp_path, "show", rows[1]["id"])
    assert shown.stdout == LETTERS[1].raw + b"\n"
    assert b"reason: not JSON" in shown.stderr

    sent = command(broker, tmp_path, "send", "--all")
    assert (sent.returncode, sent.stderr) == (0, b"1 sent\n")
    assert published(broker) == [LETTERS[0].raw]

    refused = command(broker, tmp_path, "send", rows[1]["id"])
    assert refused.returncode == 3
    assert b"came from binance, which is no topic" in refused.stderr
    unknown = command(broker, tmp_path, "show", "9-9")
    assert unknown.returncode == 3
    assert b"there is no dead letter 9-9" in unknown.stderr
    assert command(broker, tmp_path, "send").returncode == 2
