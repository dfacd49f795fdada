"""A service's metrics and health, asked over a real socket."""

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from marketstream.endpoint import endpoint
from marketstream.errors import NetworkError
from marketstream.metrics import Metrics


def ask(port: int, path: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_metrics_and_health_are_answered() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.trades.labels("binance:BTC/USDT").inc(7)
    state = {"status": "ok", "stage": "candles"}
    with endpoint("127.0.0.1", 0, metrics, lambda: state) as port:
        status, kind, body = ask(port, "/metrics?all=1")
        assert (status, kind.partition(";")[0]) == (200, "text/plain")
        assert 'realtime_trades_total{market="binance:BTC/USDT"} 7.0' in body
        status, kind, body = ask(port, "/health")
        assert (status, kind, json.loads(body)) == (200, "application/json", state)
        state["status"] = "starting"
        assert ask(port, "/health")[0] == 503
        assert ask(port, "/nothing")[0] == 404


def test_a_port_that_is_taken_is_named() -> None:
    metrics = Metrics(CollectorRegistry())
    with (
        endpoint("127.0.0.1", 0, metrics, dict) as port,
        pytest.raises(NetworkError, match=f"port {port}.*METRICS_PORT"),
        endpoint("127.0.0.1", port, metrics, dict),
    ):
        raise AssertionError("it listens twice")
