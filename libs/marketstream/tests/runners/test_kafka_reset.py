"""A stage begins anew, wherever its state is, from the place it is told."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka.admin import ConfigResource  # type: ignore[import-untyped]

from libs.marketstream.tests.runners.workers import (
    MARKETS,
    Bench,
    by_market,
    in_one_process,
    recording,
    running,
)
from marketstream.errors import NetworkError, SettingsError, StateError
from marketstream.messages import Candle
from marketstream.runners.kafka.changelogs import admin_of
from marketstream.runners.kafka.connection import connect
from marketstream.runners.kafka.reset import place_of, reset_stage
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.testing import free_port
from marketstream.topics import TRADES


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(
        broker=kafka, partitions=2, session_timeout_ms=1_500, commit_interval_s=0.2
    )


def segment_bytes(settings: KafkaSettings, topic: str) -> int:
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    admin = admin_of(connect(settings, "test"))
    (answer,) = admin.describe_configs([asked]).values()
    return int(answer.result(10)["segment.bytes"].value)


@pytest.mark.kafka
@pytest.mark.parametrize("folder", ["state", "another folder"])
def test_a_stage_that_was_reset_says_all_of_it_once_more(
    folder: str, settings: KafkaSettings, tmp_path: Path
) -> None:
    messages = recording(5, 200)
    with running(Bench(f"reset-{folder[:2]}", settings, tmp_path, 600_000)) as bench:
        bench.start("tally")
        bench.publish(messages)
        bench.wait_for(lambda: len(bench.of(Candle)) >= 200)
        stage, topic = f"tally-{bench.name}", bench.chain.trades
        with pytest.raises(StateError, match=f"stage {stage} still has 1 worker: stop all"):
            reset_stage(settings, stage, [topic], "earliest")
        assert bench.workers[-1].stop() == 0
        assert segment_bytes(settings, f"changelog__{stage}--{topic.name}--default") == 16 * 2**20
        to_read = reset_stage(settings, stage, [topic], "earliest")
        assert sum(extent.end - extent.first for extent in to_read[topic.name]) == 200
        bench.start("tally", folder)
        bench.wait_for(lambda: len(bench.of(Candle)) >= 400)
        assert bench.workers[-1].stop() == 0
        expected = in_one_process(bench.chain, messages, bench.chain.candles)
        said = by_market(bench.of(Candle))
        assert said == {market: expected[market] * 2 for market in MARKETS}


@pytest.mark.kafka
def test_a_folder_of_topics_that_are_gone_is_named(settings: KafkaSettings, tmp_path: Path) -> None:
    with running(Bench("gone", settings, tmp_path)) as bench:
        worker = bench.start("tally")
        for part in range(3):  # a changelog that reaches further than what a new one has
            said = worker.log.read_text().count("commit")
            bench.publish(recording(part, 50))
            bench.wait_for(lambda said=said: worker.log.read_text().count("commit") > said)
        assert worker.stop() == 0
        admin = admin_of(connect(settings, "test"))
        changelog = f"changelog__tally-{bench.name}--{bench.chain.trades.name}--default"
        admin.delete_topics([changelog])[changelog].result(10)
        bench.publish(recording(9, 50))
        refused = bench.start("tally")
        assert refused.process.wait(60) != 0
        assert re.search(
            rf"StateError: .* cannot use its state in {tmp_path}/state .*: delete that folder",
            refused.log.read_text(),
        )


@pytest.mark.kafka
def test_a_stage_begins_at_the_end_or_at_a_time(settings: KafkaSettings, tmp_path: Path) -> None:
    bench = Bench("place", settings, tmp_path)
    bench.publish(recording(6, 20))
    time_ms = time.time_ns() // 1_000_000 + 1
    while time.time_ns() // 1_000_000 <= time_ms:
        pass
    bench.publish(recording(7, 30))

    def messages(place: str | int) -> int:
        topic = bench.chain.trades
        to_read = reset_stage(settings, "nobody", [topic], place)  # type: ignore[arg-type]
        return sum(extent.end - extent.first for extent in to_read[topic.name])

    assert messages("earliest") == 50
    assert messages(time_ms) == 30
    assert messages(2**42) == messages("latest") == 0


def test_a_broker_that_does_not_answer_is_named() -> None:
    settings = KafkaSettings(broker=f"127.0.0.1:{free_port()}")
    with pytest.raises(NetworkError, match=settings.broker):
        reset_stage(settings, "candles", [TRADES], "latest")


def test_a_place_is_a_word_a_time_or_how_long_ago() -> None:
    assert place_of("latest") == "latest"
    assert place_of("1970-01-01T00:01Z") == place_of("1970-01-01T00:01") == 60_000
    assert place_of("1970-01-01T01:01+01:00") == 60_000
    ago_ms = time.time_ns() // 1_000_000 - int(place_of("90m"))
    assert 5_400_000 <= ago_ms < 5_460_000
    with pytest.raises(SettingsError, match=r"'soon' is no place: write earliest, latest, a time"):
        place_of("soon")


@pytest.mark.parametrize("arguments", [[], ["trades", "latest"], ["candles", "soon"]])
def test_in_a_container_too_one_line_says_what_is_wrong(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "marketstream.runners.kafka.reset", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("reset: ")
    assert done.stderr.count("\n") == 1
