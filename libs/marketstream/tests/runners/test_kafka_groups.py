"""One operator sees several markets and topics together, on a real broker as in one process."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Candle, Features, Trade, Trades
from marketstream.metrics import Metrics
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.runners.kafka.connection import connect, open_topic
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.runner import KafkaRunner
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.tap import KafkaTap
from marketstream.stage import Stage
from marketstream.topics import Topic

START_MS = 1_700_000_000_000
LEADER, FOLLOWER, ALONE = "binance:BTC/USDT", "kraken:BTC/USD", "binance:ETH/USDT"
PLAN = Plan((LEADER, FOLLOWER, ALONE), "1s", (1,), groups={"bitcoin": (LEADER, FOLLOWER)})
TRADES = Topic("trades-groups", Trades)
CANDLES = Topic("candles-groups", Candle)
FEATURES = Topic("features-groups", Features)


class Together:
    """At each candle says what was traded last in each market of its group."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._last: dict[str, float] = {}

    def update(self, message: Trades | Candle) -> list[Features]:
        if isinstance(message, Trades):
            self._last[message.market] = message.trades[-1].price
            return []
        values: dict[str, float | None] = dict(self._last)
        return [
            Features(
                message.market, "1s", message.close_time_ms, values, None, None, 1.0, self.group
            )
        ]

    def snapshot(self) -> bytes:
        return msgspec.json.encode(self._last)

    def restore(self, snapshot: bytes) -> None:
        self._last = msgspec.json.decode(snapshot)


def stage() -> Stage:
    return Stage(
        "together", (TRADES, CANDLES), (FEATURES,), Together,
        key=lambda message: PLAN.group_of(message.market),
    )  # fmt: skip


def messages() -> list[Trades | Candle]:
    made: list[Trades | Candle] = []
    for number in range(1, 41):
        market = (LEADER, FOLLOWER, ALONE)[number % 3]
        made.append(
            Trades(
                market,
                (Trade(number, float(number), 1.0, "buy", START_MS * 1_000 + number),),
                None,
                START_MS * 1_000 + number,
            )
        )
        made.append(
            Candle(
                market, "1s", START_MS + 1_000 * number, START_MS + 1_000 * number + 1_000,
                1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0,
            )
        )  # fmt: skip
    return made


def in_one_process() -> list[Features]:
    runner = InProcessRunner([stage()])
    found: list[Features] = []
    runner.tap(FEATURES, lambda message, _ns: found.append(message))
    for message in messages():
        runner.publish(message)
    return found


def test_an_operator_sees_the_markets_of_its_group() -> None:
    found = in_one_process()
    of_follower = [one for one in found if one.market == FOLLOWER]
    assert set(of_follower[-1].values) == {LEADER, FOLLOWER}
    assert of_follower[-1].feature_set == "bitcoin"
    of_alone = [one for one in found if one.market == ALONE]
    assert set(of_alone[-1].values) == {ALONE}
    assert of_alone[-1].feature_set == ALONE


@pytest.mark.kafka
def test_on_kafka_too_and_after_a_stop(kafka: str, tmp_path: Path) -> None:
    settings = KafkaSettings(
        broker=kafka, partitions=3, commit_interval_s=0.2, state_folder=tmp_path / "state"
    )
    for topic in (TRADES, CANDLES, FEATURES):
        open_topic(connect(settings, "setup"), topic, settings)
    found: list[Any] = []
    tap = KafkaTap(settings, [FEATURES], lambda message, _ns: found.append(message))
    listening = threading.Thread(target=tap.run)
    listening.start()
    metrics = Metrics(CollectorRegistry())
    everything = messages()
    try:
        with KafkaPublisher(
            settings, metrics, [TRADES, CANDLES], group_of=PLAN.group_of
        ) as publisher:
            for part in (everything[:40], everything[40:]):
                worker = subprocess.Popen([sys.executable, __file__, settings.model_dump_json()])
                for message in part:
                    publisher.publish(message)
                    publisher.flush()  # topics are read together in the order of their times
                until = len(found) + len(part) // 2
                for _ in range(600):
                    if len(found) >= until or worker.poll() is not None:
                        break
                    threading.Event().wait(0.1)
                worker.terminate()
                assert worker.wait(30) == 0
    finally:
        tap.stop()
        listening.join()
    by_market = {
        market: [one.close_time_ms for one in found if one.market == market]
        for market in PLAN.markets
    }
    assert by_market == {
        market: [one.close_time_ms for one in in_one_process() if one.market == market]
        for market in PLAN.markets
    }
    last = [one for one in found if one.market == FOLLOWER][-1]
    assert set(last.values) == {LEADER, FOLLOWER}  # after the stop too


if __name__ == "__main__":
    KafkaRunner(
        stage(),
        KafkaSettings.model_validate_json(sys.argv[1]),
        Metrics(CollectorRegistry()),
        group_of=PLAN.group_of,
    ).run()
