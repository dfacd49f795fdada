"""The broker that is measured on: the one that KAFKA_BROKER names, else one of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketstream.errors import NetworkError
from marketstream.runners.kafka.guest import guest
from marketstream.runners.kafka.settings import KafkaSettings
from marketstream.settings import load_settings
from marketstream.testing import running_kafka
from marketstream.topics import ALL_TOPICS
from realtime_bench.services import service_modules
from realtime_bench.timing import process_cpu_s

TOPIC_PREFIX = "bench-"
# Workers that start together are given their partitions together, as Kafka's default has it.
_OWN_PROPERTIES = ("group.initial.rebalance.delay.ms=3000",)


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach a broker, here and by `environment` from other processes.

    `pid` is its process where it is on this machine and ours to know.
    """

    settings: KafkaSettings
    environment: Mapping[str, str]
    pid: int | None

    def cpu_s(self) -> float | None:
        """Return the CPU seconds that it has used; None where nobody can say."""
        return None if self.pid is None else process_cpu_s(self.pid)


def missing() -> str | None:
    """Return what it takes to have a broker here; None where it is there."""
    if os.environ.get("KAFKA_BROKER") or _docker_runs():
        return None
    if shutil.which("java") and shutil.which("mvn"):
        return None
    return "no Kafka: install Java 17 and Maven, start Docker, or set KAFKA_BROKER"


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """Give a broker; what is made on it is gone afterwards.

    NetworkError where there is none to be had, SettingsError where a system works with it.
    """
    if (reason := missing()) is not None:
        raise NetworkError(reason)
    settings = load_settings(KafkaSettings, None, env_file=None).model_copy(update={"worker": None})
    if "broker" in settings.model_fields_set:
        topics = [topic.name for topic in ALL_TOPICS]
        with guest(settings, (TOPIC_PREFIX, *topics, *service_modules())):
            yield Broker(settings, {"KAFKA_BROKER": settings.broker}, None)
        return
    with running_kafka(folder, *_OWN_PROPERTIES) as address:
        elsewhere = [name for name in os.environ if name.startswith(("KAFKA_", "QUIX_"))]
        environment = {**dict.fromkeys(elsewhere, ""), "KAFKA_BROKER": address}
        yield Broker(KafkaSettings(broker=address), environment, _pid(folder, address))


def _pid(folder: Path, address: str) -> int | None:
    """Return the process that scripts/kafka has started: Java's, or that in its container."""
    if (own := folder / "pid").exists():
        return int(own.read_text())
    container = f"realtime-kafka-{address.rpartition(':')[2]}"
    said = subprocess.run(  # noqa: S603
        ["docker", "inspect", "--format", "{{.State.Pid}}", container],  # noqa: S607
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return int(said.stdout) if said.stdout.strip().isdigit() else None


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0  # noqa: S607
