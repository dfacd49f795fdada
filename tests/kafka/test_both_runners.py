"""One recording through both runners: the same candles, features, predictions and outcomes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Message, Trades
from marketstream.metrics import Metrics
from marketstream.runners.in_process import InProcessRunner
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.topics import (
    CANDLES,
    FEATURES,
    MOVE_FORECASTS,
    MOVE_OUTCOMES,
    OUTCOMES,
    PREDICTIONS,
    TRADES,
)
from predictor.registry import native
from realtime_training.commands.replay.work import Replay
from realtime_training.settings import load_all

from .stages import HORIZONS_MS, stages

pytestmark = [pytest.mark.kafka, pytest.mark.data]

TOPICS = (CANDLES, FEATURES, PREDICTIONS, OUTCOMES, MOVE_FORECASTS, MOVE_OUTCOMES)
MARKET = "binance:BTC/USDT"

type Passed = dict[type, list[Message]]


def recorded(files: Sequence[Path], models: Path) -> list[Trades]:
    """Return what the trades service makes of a recording; leave the models of its replay."""
    replay = Replay("BTC/USDT", "1s", (1, 2), load_all())
    messages: list[Trades] = []
    replay.pipeline.runner.tap(TRADES, lambda message, _ns: messages.append(message))
    replay.run(files)
    for horizon_ms in HORIZONS_MS:
        model = replay.pipeline.predictor(MARKET).models[horizon_ms]
        (models / f"{horizon_ms}.json").write_bytes(native.dump(model))
    return messages


def in_process(messages: Sequence[Trades], models: Path) -> Passed:
    passed: Passed = {topic.message: [] for topic in TOPICS}
    runner = InProcessRunner(stages(models))
    for topic in TOPICS:
        runner.tap(topic, lambda message, _ns: passed[type(message)].append(message))
    for message in messages:
        runner.publish(message)
    return passed


@contextmanager
def workers(broker: str, models: Path, folder: Path) -> Iterator[None]:
    script = str(Path(__file__).with_name("stages.py"))
    environment = {
        **os.environ,
        "KAFKA_BROKER": broker,
        "KAFKA_STATE_FOLDER": str(folder / "state"),
    }
    running = []
    for stage in stages(models):
        with (folder / f"{stage.name}.log").open("wb") as log:
            command = [sys.executable, script, stage.name, str(models)]
            running.append(
                subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
            )
    try:
        yield
        for process in running:
            process.terminate()
        assert [process.wait(30) for process in running] == [0, 0, 0]
    finally:
        for process in running:
            process.kill()


def over_kafka(
    messages: Sequence[Trades], models: Path, broker: str, folder: Path, expected: int
) -> Passed:
    settings = KafkaSettings(broker=broker)
    passed: Passed = {topic.message: [] for topic in TOPICS}
    tap = KafkaTap(settings, TOPICS, lambda message, _ns: passed[type(message)].append(message))
    listening = threading.Thread(target=tap.run)
    listening.start()
    try:
        with (
            workers(broker, models, folder),
            KafkaPublisher(settings, Metrics(CollectorRegistry())) as publisher,
        ):
            for message in messages:
                publisher.publish(message)
            publisher.flush()
            deadline_s = time.monotonic() + 120
            while sum(map(len, passed.values())) < expected:
                assert time.monotonic() < deadline_s, {t: len(p) for t, p in passed.items()}
                time.sleep(0.1)
    finally:
        tap.stop()
        listening.join()
    return passed


def test_a_recording_makes_the_same_messages_in_one_process_and_over_kafka(
    market_data: Path, broker: str, tmp_path: Path
) -> None:
    files = sorted((market_data / "trades").glob("binance-spot-BTCUSDT-2024080?.frames.gz"))
    models = tmp_path / "models"
    models.mkdir()
    messages = recorded(files, models)
    expected = in_process(messages, models)
    assert len(expected[PREDICTIONS.message]) > 1_000
    assert len(expected[MOVE_OUTCOMES.message]) > 200
    found = over_kafka(
        messages, models, broker, tmp_path, sum(len(passed) for passed in expected.values())
    )
    for topic in TOPICS:
        assert found[topic.message] == expected[topic.message], topic.name
