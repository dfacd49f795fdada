"""A real Prometheus scrapes the running system; our rules and dashboards work on what it has."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketstream.testing import free_port, running_command

from .monitoring import MONITORING, alerts, expressions

ONLY_ON_KAFKA = {
    "pipeline: Messages not read yet: A",
    "pipeline: From the receipt until a stage was done, p99: A",
    "pipeline: Partitions shared out anew: A",
    "pipeline: State of an operator: A",
}
ONLY_AFTER_AN_EVENT = {
    "data-quality: Dead letters: A",
    "data-quality: Candles that were revised: A",
    "data-quality: Candles that lack trades: A",
    "models: Share of abstentions: A",
}


class Prometheus:
    """A running Prometheus and its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}{path}?{query}", timeout=5) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.get("query", query=expression)["result"]
        return found

    def ready(self) -> bool:
        """Say whether it can be asked."""
        try:
            return bool(self.get("targets"))
        except urllib.error.URLError:
            return False

    def without_data(self, asked: Mapping[str, str]) -> set[str]:
        """Return what of some expressions there is nothing for."""
        return {where for where, expression in asked.items() if not self.query(expression)}


@contextmanager
def scraping(folder: Path, target_port: int) -> Iterator[Prometheus]:
    """Run Prometheus with our configuration; all jobs are at one port, since one process is all."""
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{target_port}"]}]
    folder.mkdir()
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    shutil.copytree(MONITORING / "rules", folder / "rules")
    port = free_port()
    command = [
        "prometheus", "--config.file=prometheus.yaml", "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield Prometheus(port)
    finally:
        process.kill()
        process.wait()


@pytest.mark.prometheus
def test_rules_and_dashboards_work_on_what_the_running_system_says(tmp_path: Path) -> None:
    with (
        running_command(tmp_path) as system,
        scraping(tmp_path / "prometheus", system.port) as prometheus,
    ):
        system.wait_for("prediction", lambda: system.get("/predictions/BTC-USDT")[0] == 200)
        system.wait_for("outcome", lambda: "realtime_outcomes_total{" in system.get("/metrics")[1])
        system.get("/predictions/BTC-USDT")

        system.wait_for("Prometheus", prometheus.ready)
        charts = {
            where: each for where, each in expressions().items() if not where.startswith("rule ")
        }
        deadline = time.monotonic() + 90
        while (
            missing := prometheus.without_data(charts) - ONLY_AFTER_AN_EVENT
        ) != ONLY_ON_KAFKA and time.monotonic() < deadline:
            pass
        assert missing == ONLY_ON_KAFKA

        targets = prometheus.get("targets")["activeTargets"]
        assert {target["labels"]["job"]: target["health"] for target in targets} == dict.fromkeys(
            ("trades", "candles", "technical-indicators", "predictor", "prediction-api"), "up"
        )
        rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in rules} >= alerts().keys()
        assert [rule["lastError"] for rule in rules if rule["health"] != "ok"] == []
        firing = {alert["labels"]["alertname"] for alert in prometheus.get("alerts")["alerts"]}
        assert not firing & {"MarketDataStale", "ServiceDown", "ServiceMissing", "DeadLetters"}
