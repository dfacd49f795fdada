"""A real Prometheus with our configuration and rules, and what it can be asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from marketstream.testing import free_port

from .monitoring import MONITORING, alerts


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

    def firing(self) -> set[str]:
        """Return the alerts that wait or fire; every rule has to be there and well."""
        rules = [rule for group in self.get("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in rules} >= alerts().keys()
        assert [rule["lastError"] for rule in rules if rule["health"] != "ok"] == []
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"]}


@contextmanager
def scraping(folder: Path, ports: Mapping[str, int]) -> Iterator[Prometheus]:
    """Run Prometheus with our configuration; `ports` says where each job's target listens here."""
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
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
