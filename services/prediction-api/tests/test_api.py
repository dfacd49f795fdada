"""The routes answer as the contract says."""

import msgspec
import pytest
from fastapi.testclient import TestClient
from msgspec.structs import replace

from marketstream.messages import Prediction, Trades
from marketstream.store.rows import PredictionRow
from prediction_api.routes.app import build_app
from prediction_api.views.board import PredictionBoard
from prediction_api.views.state import WarmingUp

MARKET = "binance:BTC/USDT"


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def __call__(self) -> int:
        return self.ns


def prediction(close_time_ms: int = 10_000, horizon_ms: int = 1_000) -> Prediction:
    return Prediction(
        market=MARKET, timeframe="1s", close_time_ms=close_time_ms, horizon_ms=horizon_ms,
        role="champion", model_name="logistic", model_version="7", label_latency_ms=0,
        values={"rsi_14": 50.0}, mid=100.0, close=100.01, expected_return=1e-5,
        predicted_price=100.001, p_up=0.5, p_flat=0.2, p_down=0.3, low=99.0, high=101.0, level=0.8,
        direction="up", reason=None, answers={"majority": "up"},
    )  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> PredictionBoard:
    return PredictionBoard([MARKET], now_ns=clock, stale_after_ms=5_000)


@pytest.fixture
def client(board: PredictionBoard) -> TestClient:
    app = build_app(
        board,
        warming_up=lambda market: WarmingUp(f"{market}: 73 of 120 s", 73_000, 120_000),
        render_metrics=lambda: b"realtime_trades_total 5\n",
        details=lambda market: {"trained": False},
    )
    return TestClient(app)


def see(board: PredictionBoard, clock: Clock, seen_until_ms: int) -> None:
    board.saw(Trades(MARKET, (), None, seen_until_ms * 1_000), clock.ns)


def test_stored_prediction_is_shown_again_while_its_moment_is_to_come_and_nothing_newer_is_there(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    clock.ns = 10_500 * 1_000_000
    see(board, clock, 10_500)
    for close_time_ms in (9_000, 10_000):
        board.recall(PredictionRow(prediction(close_time_ms), close_time_ms + 3, 700))
    board.recall(PredictionRow(prediction(9_500), 9_503, 700))  # already came true
    (shown,) = client.get("/predictions/BTC-USDT").json()["predictions"]
    assert (shown["for_ms"], shown["made_at_ms"], shown["latency_us"]) == (11_000, 10_003, 700)
    board.publish(prediction(10_250), clock.ns)
    board.recall(PredictionRow(prediction(10_000), 10_003, 700))
    (shown,) = client.get("/predictions/BTC-USDT").json()["predictions"]
    assert shown["for_ms"] == 11_250


def test_silence_counts_from_the_start_until_something_comes(
    board: PredictionBoard, clock: Clock
) -> None:
    clock.ns += 7_000 * 1_000_000
    assert board.silence_ms(MARKET) == 7_000
    see(board, clock, 8_000)
    clock.ns += 2_000 * 1_000_000
    assert board.silence_ms(MARKET) == 2_000


def test_the_answer_holds_every_field_of_the_contract(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    see(board, clock, 10_000)
    received_ns = clock.ns
    clock.ns += 2_000_000
    published = board.publish(prediction(), received_ns)
    assert published.latency_us == 2_000
    board.publish(prediction(horizon_ms=2_000), received_ns)
    clock.ns += 5_000_000
    response = client.get("/predictions/BTC-USDT")
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["symbol", "as_of_ms", "data_age_ms", "stale", "predictions"]
    assert (body["symbol"], body["as_of_ms"], body["data_age_ms"], body["stale"]) == (
        "BTC/USDT", 10_007, 7, False,
    )  # fmt: skip
    assert [view["horizon_ms"] for view in body["predictions"]] == [1_000, 2_000]
    assert body["predictions"][0] == {
        "id": "binance:BTC/USDT:1s:10000:1000:champion:7", "timeframe": "1s", "horizon_ms": 1_000,
        "made_at_ms": 10_002, "for_ms": 11_000, "mid": 100.0, "predicted_price": 100.001,
        "expected_return": 1e-5, "p_up": 0.5, "p_flat": 0.2, "p_down": 0.3, "low": 99.0,
        "high": 101.0, "level": 0.8, "direction": "up", "reason": None,
        "model": {"name": "logistic", "version": "7"}, "latency_us": 2_000,
    }  # fmt: skip


def test_a_newer_prediction_replaces_the_older(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    see(board, clock, 10_000)
    board.publish(prediction(10_000), clock.ns)
    assert client.get("/predictions/btc-usdt").json()["predictions"][0]["for_ms"] == 11_000
    board.publish(prediction(11_000), clock.ns)
    assert client.get("/predictions/BTC-USDT").json()["predictions"][0]["for_ms"] == 12_000


def test_a_preview_never_takes_the_place_of_a_prediction(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    see(board, clock, 10_000)
    preview = msgspec.structs.replace(prediction(11_000), preview=True)
    assert board.publish(preview, clock.ns).made_at_ms == 10_000
    assert client.get("/predictions/BTC-USDT").status_code == 503
    board.publish(prediction(10_000), clock.ns)
    board.publish(preview, clock.ns)
    assert client.get("/predictions/BTC-USDT").json()["predictions"][0]["for_ms"] == 11_000


def test_warming_up_says_what_is_missing_and_how_far_it_is(client: TestClient) -> None:
    response = client.get("/predictions/BTC-USDT")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["title"] == "Warming up"
    assert body["missing"]["seen_ms"] == 73_000
    assert body["missing"]["needed_ms"] == 120_000


@pytest.mark.parametrize(
    ("symbol", "part"),
    [("ETH-USDT", "there is BTC-USDT"), ("nonsense", "is not a symbol"), ("%00", "not a symbol")],
)
def test_an_unknown_symbol_is_not_found_and_says_which_are(
    client: TestClient, symbol: str, part: str
) -> None:
    response = client.get(f"/predictions/{symbol}")
    assert response.status_code == 404
    assert part in response.json()["detail"]


def test_health_follows_the_data(client: TestClient, board: PredictionBoard, clock: Clock) -> None:
    assert client.get("/health").json()["status"] == "connecting"
    see(board, clock, 10_000)
    assert client.get("/health").json()["status"] == "warming up"
    board.publish(prediction(), clock.ns)
    healthy = client.get("/health")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    clock.ns += 6_000_000_000
    stale = client.get("/health")
    assert (stale.status_code, stale.json()["status"]) == (503, "stale")
    assert client.get("/predictions/BTC-USDT").json()["stale"] is True


def test_after_the_end_of_a_recording_silence_is_no_fault(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    see(board, clock, 10_000)
    board.publish(prediction(10_000), clock.ns)
    board.end()
    clock.ns += 6_000_000_000
    ended = client.get("/health")
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    assert client.get("/predictions/BTC-USDT").json()["stale"] is False


def test_a_recording_is_not_stale_for_being_old_and_latency_is_real_time_at_any_speed() -> None:
    clock = Clock()
    board = PredictionBoard([MARKET], now_ns=clock, speed=5.0)
    board.saw(Trades(MARKET, (), None, 1_000_000), clock.ns)
    received_ns = clock.ns
    clock.ns += 10_000_000
    assert board.publish(prediction(1_000), received_ns) == (1_010, 2_000)
    assert not board.stale(MARKET)


def test_metrics_and_the_index_answer(client: TestClient) -> None:
    assert client.get("/metrics").text == "realtime_trades_total 5\n"
    assert "/predictions/BTC-USDT" in client.get("/routes").json()["routes"]
    assert client.get("/openapi.json").status_code == 200


def test_a_preview_stands_beside_the_prediction_until_the_next_close(
    client: TestClient, board: PredictionBoard, clock: Clock
) -> None:
    see(board, clock, 10_000)
    board.publish(prediction(10_000), clock.ns)
    board.publish(replace(prediction(11_000), preview=True, direction="down"), clock.ns)
    body = client.get("/predictions/BTC-USDT").json()
    assert body["predictions"][0]["direction"] == "up"
    assert body["previews"][0]["direction"] == "down"
    board.publish(prediction(11_000), clock.ns)
    assert "previews" not in client.get("/predictions/BTC-USDT").json()
