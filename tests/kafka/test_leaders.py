"""Features of leaders and other timeframes on Kafka: those of one process, after a kill too."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from candles.stage import candles_stage
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.messages import Candle, Features
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.stage import Stage
from marketstream.topics import CANDLES, FEATURES
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import Entry, FeatureSettings
from technical_indicators.stage import technical_indicators_stage

pytestmark = pytest.mark.kafka

FOLLOWER, LEADER = "kraken:BTC/USD", "binance-usdm:BTC/USDT:USDT"
PLAN = Plan((FOLLOWER, LEADER), "1s", (1,), ("250ms", "2s"), groups={"bitcoin": (FOLLOWER, LEADER)})
BESIDE: dict[str, list[Entry]] = {"2s": [{"ROC": {"timeperiod": 1}}], "250ms": ["BOP"]}
START_US = 1_704_067_200_000_000
SECONDS = 30


def stage() -> Stage:
    names = ("leader_return", "leader_flow", "leader_basis", "leader_basis_change", "leader_age")
    settings = FeatureSettings(indicators=list(names), spans=["250ms", "1s"], beside=BESIDE)
    return technical_indicators_stage(feature_set_of(PLAN, settings), PLAN)


def candles() -> list[Candle]:
    """Return the candles of both markets as they close; those of the leader come second."""
    made: list[Candle] = []
    runner = InProcessRunner([candles_stage(PLAN.candle_timeframes)])
    runner.tap(CANDLES, lambda candle, _ns: made.append(candle))
    end_us = START_US + SECONDS * 1_000_000
    tapes = (
        SeededMarket("BTC/USD", 7, venue="kraken", lag_ms=200),
        SeededMarket("BTC/USDT:USDT", 7, venue="binance-usdm"),
    )
    told = [
        trades_messages(tape, market, START_US, end_us)
        for tape, market in zip(tapes, PLAN.markets, strict=True)
    ]
    for messages in zip(*told, strict=True):
        for message in messages:
            runner.publish(message)
    return made


def in_one_process(told: list[Candle]) -> dict[tuple[object, ...], Features]:
    runner = InProcessRunner([stage()])
    found: list[Features] = []
    runner.tap(FEATURES, lambda features, _ns: found.append(features))
    for candle in told:
        runner.publish(candle)
    return {features.identity: features for features in found}


def wait_for(found: list[Any], different: int, worker: subprocess.Popen[bytes]) -> None:
    """Wait until so many different messages have come, or the worker has ended; a minute."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and worker.poll() is None:
        if len({features.identity for features in list(found)}) >= different:
            return
        time.sleep(0.1)


def test_they_are_those_of_one_process_and_after_a_kill_too(broker: str, tmp_path: Path) -> None:
    settings = KafkaSettings(
        broker=broker, partitions=3, commit_interval_s=0.2, state_folder=tmp_path / "state"
    )
    told = candles()
    expected = in_one_process(told)
    for topic in (CANDLES, FEATURES):
        open_topic(connect(settings, "setup"), topic, settings)
    found: list[Any] = []
    tap = KafkaTap(settings, [FEATURES], lambda message, _ns: found.append(message))
    listening = threading.Thread(target=tap.run)
    listening.start()
    half = len(told) // 2 + 1
    try:
        with KafkaPublisher(
            settings, Metrics(CollectorRegistry()), [CANDLES], group_of=PLAN.group_of
        ) as publisher:
            for part, until in ((told[:half], len(expected) // 2 - 4), (told[half:], None)):
                worker = subprocess.Popen([sys.executable, __file__, settings.model_dump_json()])
                for candle in part:
                    publisher.publish(candle)
                publisher.flush()
                wait_for(found, until or len(expected), worker)
                worker.kill() if until else worker.terminate()
                worker.wait(30)
    finally:
        tap.stop()
        listening.join()
    first: dict[tuple[object, ...], Features] = {}
    for features in found:
        first.setdefault(features.identity, features)
    assert first == expected
    waited = [each for each in expected.values() if each.values and each.market == FOLLOWER]
    assert waited[-1].values["leader_basis_change"] is not None
    assert {each.values["candle_age_2s"] for each in waited} == {None, 0.0, 1.0}
    assert waited[-1].values["roc_1_2s"] is not None


if __name__ == "__main__":
    told, metrics = KafkaSettings.model_validate_json(sys.argv[1]), Metrics(CollectorRegistry())
    KafkaRunner(stage(), told, metrics, group_of=PLAN.group_of, markets=PLAN.markets).run()
