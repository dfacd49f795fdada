"""The dashboard's routes, asked over real sockets where that matters."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import msgspec
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from marketstream.messages import Candle, Prediction, Trades
from prediction_api.routes.app import build_app
from prediction_api.routes.dashboard import Dashboard
from prediction_api.views.board import PredictionBoard
from prediction_api.views.live import LiveView
from prediction_api.views.state import FeedState, ModelState, SystemState, WarmingUp

MARKET = "binance:BTC/USDT"


class Figures(msgspec.Struct):
    effective: float = 400.0
    accuracy: float | None = 0.6
    low: float | None = 0.55
    high: float | None = 0.65
    baselines: dict[str, float] = msgspec.field(default_factory=lambda: {"majority": 0.5})


class System:
    """A board, a live view and the app on them, in market time that stands still."""

    def __init__(self, bundle: Path) -> None:
        self.board = PredictionBoard([MARKET], now_ns=lambda: 1_000_000_000)
        self.live = LiveView([MARKET], "1s", [1_000, 2_000])
        self.asked: list[int] = []
        self.app: FastAPI = build_app(
            self.board,
            warming_up=lambda market: WarmingUp(f"{market}: 73 of 120 s", 73_000, 120_000),
            render_metrics=lambda: b"",
            details=lambda market: {},
            dashboard=Dashboard(self.live, self.state, self.score, bundle),
        )

    def state(self, market: str) -> SystemState:
        model = ModelState("logistic", "7", trained_at_ms=5_000, rows=600, trainings=2)
        return SystemState(FeedState("binance", True, 1, 0), {1_000: model})

    def score(self, market: str, horizon_ms: int) -> Figures:
        self.asked.append(horizon_ms)
        return Figures()

    def predict(self, prediction: Prediction) -> None:
        self.board.saw(Trades(MARKET, (), None, prediction.close_time_ms * 1_000), 1_000_000_000)
        self.live.predicted(prediction, self.board.publish(prediction, 1_000_000_000))


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@contextmanager
def served(app: FastAPI, live: LiveView) -> Iterator[tuple[str, int]]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        live.close()
        thread.join(5)
        assert not thread.is_alive(), "an open stream kept the server from stopping"


def open_stream(address: tuple[str, int]) -> socket.socket:
    client = socket.create_connection(address)
    client.sendall(b"GET /stream/BTC-USDT HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return client


def read_until(client: socket.socket, wanted: bytes) -> bytes:
    client.settimeout(10)
    read = b""
    while wanted not in read:
        chunk = client.recv(65_536)
        assert chunk, f"ended before {wanted!r}: {read!r}"
        read += chunk
    return read


def test_an_unbuilt_dashboard_says_how_to_build_it(system: System) -> None:
    client = TestClient(system.app)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make dashboard" in answer.text
    assert client.get("/static/dashboard.js").status_code == 404


def test_the_page_and_its_bundle_are_served_and_nothing_else(
    system: System, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<p>page")
    (tmp_path / "dashboard.js").write_text("1")
    (tmp_path / ".built").touch()
    client = TestClient(system.app)
    page = client.get("/")
    assert (page.status_code, page.text) == (200, "<p>page")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    script = client.get("/static/dashboard.js")
    assert "javascript" in script.headers["content-type"]
    assert script.headers["cache-control"] == "no-cache"
    for name in (".built", "..%2Fconftest.py", "%2e%2e/x", "nothing"):
        assert client.get(f"/static/{name}").status_code == 404


def test_the_view_holds_all_there_is(
    system: System,
    make_candle: Callable[..., Candle],
    make_prediction: Callable[..., Prediction],
) -> None:
    system.live.saw_candle(make_candle(9_000))
    system.predict(make_prediction(10_000))
    client = TestClient(system.app)
    view = client.get("/view/btc-usdt").json()
    assert view["symbol"] == "BTC/USDT"
    assert (view["timeframe_ms"], view["horizons_ms"]) == (1_000, [1_000, 2_000])
    assert view["candles"] == [[9_000, 100.0, 102.0, 99.0, 101.0, 101.0]]
    assert view["points"]["1000"][0][:2] == [10_000, 11_000]
    assert view["newest"]["1000"]["direction"] == "up"
    assert client.get("/view/ETH-USDT").status_code == 404
    assert client.get("/stream/ETH-USDT").status_code == 404


def test_a_stream_begins_with_the_status_and_goes_on_with_news(
    system: System, make_prediction: Callable[..., Prediction]
) -> None:
    with served(system.app, system.live) as address, open_stream(address) as client:
        first = read_until(client, b'"trainings"')
        assert b"content-type: text/event-stream" in first
        status = json.loads(first.split(b"data: ")[1].split(b"\n")[0])
        assert status["state"] == "connecting"
        assert status["warming_up"]["seen_ms"] == 73_000
        assert status["feed"]["reconnects"] == 1
        assert [h["skill"] for h in status["horizons"]] == ["skill"] * 2
        assert status["horizons"][0]["model"]["rows"] == 600
        assert status["horizons"][1]["model"] is None
        system.predict(make_prediction(10_000))
        assert b'"horizon_ms":1000' in read_until(client, b"event: prediction")
        later = read_until(client, b'"state":"ok"')
        assert b'"warming_up":null' in later


def test_streams_of_a_market_share_one_status(system: System) -> None:
    with (
        served(system.app, system.live) as address,
        open_stream(address) as one,
        open_stream(address) as other,
    ):
        for client in (one, other):
            read_until(client, b"event: status")
    assert system.asked[:2] == [1_000, 2_000]
    assert len(system.asked) <= 4


def test_a_gone_client_is_forgotten(system: System) -> None:
    with served(system.app, system.live) as address:
        with open_stream(address) as client:
            read_until(client, b"event: status")
            assert system.live.watching == 1
        wait_until_nobody_watches(system.live)


def test_a_client_that_does_not_read_is_dropped_and_others_hear_on(
    system: System, make_prediction: Callable[..., Prediction]
) -> None:
    prediction = make_prediction(10_000)

    @system.app.post("/flood")
    async def flood() -> None:
        """Tell more than sockets and queue hold, while the server has its turns."""
        while system.live.watching:
            for _ in range(100):
                system.predict(prediction)
            await asyncio.sleep(0)

    with served(system.app, system.live) as address, open_stream(address) as slow:
        read_until(slow, b"event: status")
        with socket.create_connection(address) as other:
            other.sendall(b"POST /flood HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            read_until(other, b"HTTP/1.1 200")
        assert system.live.watching == 0
        with open_stream(address) as client:
            read_until(client, b"event: status")
        drain(slow)


def drain(client: socket.socket) -> None:
    client.settimeout(10)
    while client.recv(1 << 20):
        pass  # up to the end the server makes of a stream it dropped


def wait_until_nobody_watches(live: LiveView) -> None:
    deadline = time.monotonic() + 10
    while live.watching:
        assert time.monotonic() < deadline, "a client that left is still told of news"
        time.sleep(0.01)


def test_too_many_streams_are_refused(system: System) -> None:
    with served(system.app, system.live) as address:
        clients = [open_stream(address) for _ in range(64)]
        for client in clients:
            read_until(client, b"event: status")
        with open_stream(address) as one_more:
            assert b"503" in read_until(one_more, b"\r\n")
        for client in clients:
            client.close()
