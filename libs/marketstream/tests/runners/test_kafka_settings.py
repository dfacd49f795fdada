"""What the settings of Kafka allow, and what consumers report of themselves; no broker needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from marketstream.errors import SettingsError
from marketstream.metrics import Metrics
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.runners.kafka.statistics import Statistics
from marketstream.settings import load_settings


def load(**environment: str) -> KafkaSettings:
    return load_settings(KafkaSettings, None, environment, None)


def test_the_environment_says_how_to_reach_kafka(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    settings = load(
        KAFKA_BROKER="kafka:9093",
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_MECHANISM="scram-sha-512",
        KAFKA_SASL_USERNAME="worker",
        KAFKA_SASL_PASSWORD="secret words",
        KAFKA_CA_LOCATION=str(authority),
        KAFKA_PROCESSING_GUARANTEE="exactly-once",
    )
    assert settings.security_protocol == "sasl_ssl"
    assert settings.sasl_mechanism == "SCRAM-SHA-512"
    assert settings.ca_location == authority
    assert settings.sasl_password is not None
    assert settings.sasl_password.get_secret_value() == "secret words"
    assert "secret words" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, "needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASS"),
        ({"KAFKA_SECURITY_PROTOCOL": "tls"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_CA_LOCATION": "nowhere.pem"}, "nowhere.pem is no file"),
        ({"KAFKA_BROKER": "kafka"}, "KAFKA_BROKER"),
        ({"KAFKA_PARTITIONS": "0"}, "KAFKA_PARTITIONS"),
        ({"KAFKA_COMMIT_INTERVAL": "0"}, "KAFKA_COMMIT_INTERVAL"),
    ],
)
def test_settings_that_make_no_sense_say_so(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load(**environment)


def test_commits_come_as_often_as_the_guarantee_needs_unless_they_are_set() -> None:
    exactly = load(KAFKA_PROCESSING_GUARANTEE="exactly-once")
    assert exactly.commit_every_s < load().commit_every_s
    assert load(KAFKA_COMMIT_INTERVAL="0.5").commit_every_s == 0.5


def test_reports_of_a_consumer_become_lag_and_rebalances() -> None:
    registry = CollectorRegistry()
    assigned: list[set[int]] = []
    statistics = Statistics("candles", ["trades"], Metrics(registry), assigned.append)

    def partition(number: int, state: str, high: int, seen: int) -> dict[str, object]:
        return {"partition": number, "fetch_state": state, "hi_offset": high, "app_offset": seen}

    def report(rebalances: int, *partitions: dict[str, object]) -> str:
        kept = {str(one["partition"]): one for one in partitions}
        changelog = {"partitions": {"9": partition(9, "active", 5, 1)}}
        return json.dumps(
            {
                "name": "rdkafka#consumer-1",
                "cgrp": {"rebalance_cnt": rebalances, "state": "up"},
                "topics": {"trades": {"partitions": kept}, "changelog__candles": changelog},
            }
        )

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    internal = partition(-1, "none", -1001, -1001)
    statistics.update(report(1, partition(0, "active", 100, 40), internal))
    assert value("realtime_consumer_lag_messages", topic="trades", partition="0") == 60
    statistics.update(report(3, partition(0, "active", 100, 100), partition(1, "active", 7, -1001)))
    assert value("realtime_consumer_lag_messages", topic="trades", partition="0") == 0
    assert value("realtime_consumer_lag_messages", topic="trades", partition="1") is None
    assert value("realtime_rebalances_total", stage="candles") == 3
    statistics.update(report(3, partition(0, "none", 100, 100), partition(1, "active", 7, 7)))
    statistics.update(json.dumps({"topics": {}}))
    assert value("realtime_rebalances_total", stage="candles") == 3
    assert value("realtime_consumer_lag_messages", topic="trades", partition="0") is None
    assert assigned == [{0}, {0, 1}, {1}, set()]
