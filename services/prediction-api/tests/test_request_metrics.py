"""Requests are counted by route and status; scores have their gauges."""

from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from marketstream.metrics import Metrics
from marketstream.scoring import Score
from prediction_api.views.score_gauges import show_score

from .conftest import MARKET, Api


def score_of(accuracy: float | None) -> Score:
    return Score(
        predictions=100, outcomes=90, abstentions=0, moved=80, effective=40.0, accuracy=accuracy,
        low=None if accuracy is None else accuracy - 0.1,
        high=None if accuracy is None else accuracy + 0.1,
        accuracy_all=accuracy, close_accuracy=accuracy, coverage=0.8,
        baselines={} if accuracy is None else {"majority": 0.5, "reversal": 0.6}, references={},
    )  # fmt: skip


def test_answers_are_counted_by_route_and_status_and_not_by_what_was_asked(api: Api) -> None:
    client = api.client
    for path in ("BTC-USDT", "BTC-USDT", "DOGE-USDT", "binance/BTC-USDT"):
        client.get(f"/predictions/{path}")
    client.get("/nowhere")
    text = client.get("/metrics").text
    route = 'route="/predictions/{symbol}"'
    assert f'realtime_http_requests_total{{{route},status="503"}} 2.0' in text
    assert f'realtime_http_requests_total{{{route},status="404"}} 1.0' in text
    assert 'realtime_http_requests_total{route="other",status="404"} 1.0' in text
    assert f"realtime_http_request_seconds_count{{{route}}} 3.0" in text
    by_venue = 'route="/predictions/{venue}/{symbol:path}"'
    assert f'realtime_http_requests_total{{{by_venue},status="503"}} 1.0' in text


def test_an_answer_that_failed_counts_as_a_server_error(api: Api) -> None:
    @api.app.get("/failing")
    async def fail() -> None:
        raise RuntimeError("nothing works")

    TestClient(api.app, raise_server_exceptions=False).get("/failing")
    expected = 'realtime_http_requests_total{route="/failing",status="500"} 1.0'
    assert expected in api.metrics.render().decode()


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
