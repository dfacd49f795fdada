"""Rules and dashboards work on what a running system says: in one process, and as services."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from marketstream.store.testing import postgres_server
from marketstream.testing import running_command, running_kafka
from realtime_bench.services import Services

from .manifests import SERVICES
from .monitoring import expressions
from .scraping import Prometheus, scraping

pytestmark = pytest.mark.prometheus

ONLY_ON_KAFKA = {
    "pipeline: Messages not read yet: A",
    "pipeline: From the receipt until a stage was done, p99: A",
    "pipeline: Partitions shared out anew: A",
    "pipeline: State of an operator: A",
}
ONLY_AFTER_AN_EVENT = {
    "data-quality: Dead letters: A",
    "data-quality: Missing trades that were fetched: A",
    "data-quality: Candles that were revised: A",
    "data-quality: Candles that lack trades: A",
    "models: Share of abstentions: A",
}


def charts_without_data(prometheus: Prometheus, but_for: set[str]) -> set[str]:
    """Wait until there is data for every chart, but for some, and return those without."""
    charts = {where: each for where, each in expressions().items() if not where.startswith("rule ")}
    deadline_s = time.monotonic() + 90
    while True:
        missing = prometheus.without_data(charts) - ONLY_AFTER_AN_EVENT
        if missing <= but_for or time.monotonic() > deadline_s:
            return missing


def test_rules_and_dashboards_work_on_what_one_process_says(tmp_path: Path) -> None:
    with (
        running_command(tmp_path) as system,
        scraping(tmp_path / "prometheus", dict.fromkeys(SERVICES, system.port)) as prometheus,
    ):
        system.wait_for("prediction", lambda: system.get("/predictions/BTC-USDT")[0] == 200)
        system.wait_for("outcome", lambda: "realtime_outcomes_total{" in system.get("/metrics")[1])
        system.get("/predictions/BTC-USDT")
        system.wait_for("Prometheus", prometheus.ready)
        assert charts_without_data(prometheus, ONLY_ON_KAFKA) == ONLY_ON_KAFKA
        assert not prometheus.firing() & {"MarketDataStale", "ServiceDown", "DeadLetters"}


@pytest.mark.kafka
def test_rules_and_dashboards_work_on_what_the_services_say(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    with postgres_server(locks) as server, running_kafka(tmp_path / "kafka") as broker:
        database = {
            "POSTGRES_HOST": str(server.socket_folder),
            "POSTGRES_DB": server.new_database(),
            "POSTGRES_USER": "postgres",
        }
        enough = {"trades": {"history_minutes": 3}, "storekeeper": {"audit_every_s": 1}}
        system = Services(tmp_path, broker, ["BTC/USDT"], 100.0, enough, database)
        try:
            for service in SERVICES:
                system.start(service.replace("-", "_"))
            system.wait_for("predictions", system.predicts)
            ports = {service: port_of(system, service) for service in SERVICES}
            with scraping(tmp_path / "prometheus", ports) as prometheus:
                system.wait_for("Prometheus", prometheus.ready)
                assert charts_without_data(prometheus, set()) == set()
                targets = prometheus.get("targets")["activeTargets"]
                assert {each["labels"]["job"]: each["health"] for each in targets} == dict.fromkeys(
                    SERVICES, "up"
                )
                quiet = {"FeedReconnects", "ModelsUnregistered", "CandleParityBroken"}
                quiet |= {"MarketDataStale", "ServiceDown", "ServiceMissing"}
                assert not prometheus.firing() & quiet
        finally:
            system.close()


def port_of(system: Services, service: str) -> int:
    """Return where a service answers Prometheus; all but the API choose a free port and log it."""
    if service == "prediction-api":
        return system.api_port
    found = re.search(r'"url":"http://[^"]*:(\d+)/health"', system.log(service.replace("-", "_")))
    assert found is not None
    return int(found[1])
