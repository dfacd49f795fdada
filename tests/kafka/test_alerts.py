"""On Kafka the storekeeper alerts as in one process: what it keeps, and what others say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from marketstream.messages import Gap, Learning, Status
from marketstream.metrics import Metrics
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.settings import KafkaSettings
from realtime_bench.services import Services

pytestmark = pytest.mark.kafka

MARKET = "binance:BTC/USDT"


@contextmanager
def receiving() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Receive alerts; the first is not taken."""
    alerts: list[dict[str, Any]] = []
    refused: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alert = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not refused:
                refused.append(alert["id"])
                self.send_response(503)
            else:
                alerts.append(alert)
                self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/t0ken", alerts
        finally:
            server.shutdown()


def _begun(services: Services) -> int:
    return services.log("storekeeper").count("Alerts go out")


@pytest.mark.timeout(180)
def test_gaps_and_drifts_are_told_also_over_a_kill(tmp_path: Path, broker: str) -> None:
    with receiving() as (url, alerts):
        services = Services(tmp_path, broker, ["BTC/USDT"], 10.0, {}, {"ALERTS_WEBHOOKS": url})
        try:
            services.start("storekeeper")
            services.wait_for("alerts", lambda: _begun(services) == 1)
            now_us = time.time_ns() // 1_000
            lost = Gap(MARKET, 3, 5, now_us, now_us + 1, "lost", "gone")
            learning = Learning(
                9, 9, book=True, trainings={}, drift="drift of loss: more", drift_ms=5
            )
            with KafkaPublisher(
                KafkaSettings(broker=broker), Metrics(CollectorRegistry())
            ) as publisher:
                publisher.publish(lost)

                def told(kind: str) -> bool:
                    publisher.publish(Status(MARKET, "predictor", learning))
                    publisher.flush()
                    return any(alert["kind"] == kind for alert in alerts)

                services.wait_for("the gap", lambda: told("gap"))
                services.wait_for("the drift", lambda: told("drift"))
                services.kill("storekeeper")
                services.start("storekeeper")
                publisher.publish(Gap(MARKET, 3, 5, now_us, now_us + 1, "repaired"))
                publisher.publish(Gap("binance:ETH/USDT", 3, 5, now_us, None, "lost", "gone"))
                publisher.flush()
                services.wait_for("the storekeeper", lambda: _begun(services) == 2)
                told("drift")
                services.wait_for(
                    "the end of the gap",
                    lambda: any(alert["text"].endswith("repaired") for alert in alerts),
                )
            # One that was taken just before the kill may come again, and is known by its id.
            told_kinds = {alert["id"]: alert["kind"] for alert in alerts}
            assert sorted(told_kinds.values()) == ["drift", "gap", "gap"]
            assert "t0ken" not in services.log("storekeeper")
        finally:
            services.close()
