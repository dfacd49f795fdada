from __future__ import annotations

from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from marketstream.metrics import Metrics
from marketstream.scoring import Score
from prediction_api.routes.app import build_app
from prediction_api.routes.measuring import show_score
from prediction_api.views.board import PredictionBoard
from prediction_api.views.state import WarmingUp

MARKET = "binance:BTC/USDT"


def score_of(accuracy: float | None) -> Score:
    return Score(
        predictions=100, outcomes=90, abstentions=0, moved=80, effective=40.0, accuracy=accuracy,
        low=None if accuracy is None else accuracy - 0.1,
        high=None if accuracy is None else accuracy + 0.1,
        accuracy_all=accuracy, close_accuracy=accuracy, coverage=0.8,
        baselines={} if accuracy is None else {"majority": 0.5, "reversal": 0.6}, references={},
    )  # fmt: skip


def test_answers_are_counted_by_route_and_status_and_not_by_what_was_asked() -> None:
    metrics = Metrics(CollectorRegistry())
    app = build_app(
        PredictionBoard((MARKET,), now_ns=lambda: 0, stale_after_ms=5_000),
        warming_up=lambda market: WarmingUp("too early", 0, 0),
        render_metrics=metrics.render,
        details=lambda market: {},
        metrics=metrics,
    )
    client = TestClient(app)
    for path in ("BTC-USDT", "BTC-USDT", "DOGE-USDT"):
        client.get(f"/predictions/{path}")
    client.get("/nowhere")
    text = client.get("/metrics").text
    route = 'route="/predictions/{symbol}"'
    assert f'realtime_http_requests_total{{{route},status="503"}} 2.0' in text
    assert f'realtime_http_requests_total{{{route},status="404"}} 1.0' in text
    assert 'realtime_http_requests_total{route="other",status="404"} 1.0' in text
    assert f"realtime_http_request_seconds_count{{{route}}} 3.0" in text


def test_an_answer_that_failed_counts_as_a_server_error() -> None:
    metrics = Metrics(CollectorRegistry())

    def fail(market: str) -> WarmingUp:
        raise RuntimeError(market)

    app = build_app(
        PredictionBoard((MARKET,), now_ns=lambda: 0, stale_after_ms=5_000),
        warming_up=fail,
        render_metrics=metrics.render,
        details=lambda market: {},
        metrics=metrics,
    )
    TestClient(app, raise_server_exceptions=False).get("/predictions/BTC-USDT")
    expected = 'realtime_http_requests_total{route="/predictions/{symbol}",status="500"} 1.0'
    assert expected in metrics.render().decode()


def test_bounds_and_baselines_are_shown_beside_the_accuracy() -> None:
    metrics = Metrics(CollectorRegistry())
    show_score(metrics, MARKET, 1_000, score_of(0.7))
    text = metrics.render().decode()
    labels = f'horizon_ms="1000",market="{MARKET}"'
    assert f"realtime_accuracy_ratio{{{labels}}} 0.7" in text
    assert f'realtime_accuracy_bound_ratio{{bound="high",{labels}}} 0.7' in text
    assert f'realtime_baseline_accuracy_ratio{{baseline="reversal",{labels}}} 0.6' in text


def test_what_is_not_known_yet_has_no_gauge() -> None:
    metrics = Metrics(CollectorRegistry())
    show_score(metrics, MARKET, 1_000, score_of(None))
    assert "realtime_accuracy_ratio{" not in metrics.render().decode()
