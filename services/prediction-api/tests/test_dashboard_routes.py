"""The dashboard's routes, asked over real sockets where that matters."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from marketstream.messages import Candle, Feed, Learning, Model, Outcome, Prediction
from marketstream.scoring import Score
from prediction_api.views.board import Published
from prediction_api.views.event_queue import EventQueue, MarketQueue
from prediction_api.views.live import MOST_FOLLOWERS, LiveView

from .conftest import MARKET, Api, served

type Make[Message] = Callable[..., Message]


def predict(api: Api, prediction: Prediction) -> None:
    api.see(prediction.close_time_ms)
    api.views.hear(prediction, api.ns)


def open_stream(address: tuple[str, int], path: str = "/stream/BTC-USDT") -> socket.socket:
    client = socket.create_connection(address)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return client


def read_until(client: socket.socket, wanted: bytes) -> bytes:
    client.settimeout(10)
    read = b""
    while wanted not in read:
        chunk = client.recv(65_536)
        assert chunk, f"ended before {wanted!r}: {read!r}"
        read += chunk
    return read


def test_an_unbuilt_dashboard_says_how_to_build_it(api: Api) -> None:
    client = api.client
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make dashboard" in answer.text
    assert client.get("/static/dashboard.js").status_code == 404


def test_the_page_and_its_bundle_are_served_and_nothing_else(api: Api, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>page")
    (tmp_path / "dashboard.js").write_text("1")
    (tmp_path / ".built").touch()
    client = api.client
    page = client.get("/")
    assert (page.status_code, page.text) == (200, "<p>page")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    script = client.get("/static/dashboard.js")
    assert "javascript" in script.headers["content-type"]
    assert script.headers["cache-control"] == "no-cache"
    for name in (".built", "..%2Fconftest.py", "%2e%2e/x", "nothing"):
        assert client.get(f"/static/{name}").status_code == 404


def test_the_view_holds_all_there_is(
    api: Api,
    make_candle: Callable[..., Candle],
    make_prediction: Callable[..., Prediction],
) -> None:
    api.views.live.saw_candle(make_candle(9_000))
    predict(api, make_prediction(10_000))
    client = api.client
    view = client.get("/view/btc-usdt").json()
    assert view["symbol"] == "BTC/USDT"
    assert (view["timeframe_ms"], view["horizons_ms"]) == (1_000, [1_000, 2_000])
    assert view["candles"] == [[9_000, 100.0, 102.0, 99.0, 101.0, 101.0, 1.0]]
    assert view["points"]["1000"][0][:2] == [10_000, 11_000]
    assert view["newest"]["1000"]["direction"] == "up"
    assert (view["market"], view["venue"]) == (MARKET, "binance")
    assert client.get("/view/binance/BTC-USDT").json() == view
    assert client.get("/view/ETH-USDT").status_code == 404
    assert client.get("/stream/ETH-USDT").status_code == 404


def test_one_stream_has_the_news_of_two_markets_and_says_of_which_they_are(
    make_api: Callable[..., Api], make_candle: Callable[..., Candle]
) -> None:
    other = "kraken:BTC/USDT"
    api = make_api(MARKET, other)
    path = f"/stream/binance/BTC-USDT?beside={other}"
    with served(api) as address, open_stream(address, path) as client:
        told = read_until(client, b'"kraken:BTC/USDT"\n\nevent: status')
        assert told.index(b'market\ndata: "binance:BTC/USDT"\n\nevent: status') > 0
        for market in (other, MARKET):
            api.views.live.saw_candle(make_candle(9_000, market=market))
            read_until(client, f'event: market\ndata: "{market}"\n\nevent: candle'.encode())
        assert api.views.live.followers == 2
    assert api.views.live.followers == 0


def test_a_stream_of_two_ends_where_its_client_reads_neither(
    make_api: Callable[..., Api],
) -> None:
    live = make_api(MARKET, "kraken:BTC/USDT").views.live
    queue = EventQueue(2)
    one, other = MarketQueue(MARKET, queue), MarketQueue("kraken:BTC/USDT", queue)
    assert (one.put(b"1"), other.put(b"2"), one.put(b"3")) == (True, True, False)
    assert other.put(b"4"), "the other market may tell on; its client has gone"
    assert asyncio.run(queue.next(1)) is None
    assert live.follow(MARKET, one)


@pytest.mark.parametrize(
    ("beside", "status"), [("kraken:ETH/USDT", 404), ("nowhere:BTC/USDT", 404), ("", 404)]
)
def test_a_market_beside_that_is_not_followed_is_refused(
    api: Api, beside: str, status: int
) -> None:
    answer = api.client.get(f"/stream/BTC-USDT?beside={beside}")
    assert answer.status_code == status
    assert answer.json()["title"] == "No such market"
    assert api.views.live.followers == 0


def test_two_markets_take_two_places_or_none(make_api: Callable[..., Api]) -> None:
    api = make_api(MARKET, "kraken:BTC/USDT")
    live = api.views.live
    for _ in range(MOST_FOLLOWERS - 1):
        assert live.follow(MARKET, EventQueue())
    answer = api.client.get("/stream/binance/BTC-USDT?beside=kraken:BTC/USDT")
    assert answer.status_code == 503
    assert live.followers == MOST_FOLLOWERS - 1


def test_a_stream_begins_with_the_status_and_goes_on_with_news(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    api.say(Feed(connected=True, reconnects=1, missing_trades=0))
    api.say(Learning(73_000, 120_000, book=True, trainings={1_000: 2}))
    api.views.hear(Model(MARKET, "1s", 1_000, "logistic", "7", 5_000, 600, {}), 0)
    api.views.scores.remember(MARKET, [])
    for second in range(400):
        api.views.hear(make_outcome(10_000 + second * 1_000), 0)
    with served(api) as address, open_stream(address) as client:
        first = read_until(client, b'"trainings"')
        assert b"content-type: text/event-stream" in first
        status = json.loads(first.split(b"data: ")[1].split(b"\n")[0])
        assert status["state"] == "connecting"
        assert status["warming_up"]["seen_ms"] == 73_000
        assert status["feed"]["reconnects"] == 1
        assert [h["proof"]["verdict"] for h in status["horizons"]] == ["skill", "not known yet"]
        assert status["horizons"][0]["model"]["rows"] == 600
        assert status["horizons"][0]["model"]["trainings"] == 2
        assert status["horizons"][1]["model"] is None
        predict(api, make_prediction(500_000))
        assert b'"horizon_ms":1000' in read_until(client, b"event: prediction")
        later = read_until(client, b'"state":"ok"')
        assert b'"warming_up":null' in later


def test_streams_of_a_market_share_one_status(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    score = api.views.scores.score

    def counted(market: str, horizon_ms: int) -> Score:
        asked.append(horizon_ms)
        return score(market, horizon_ms)

    monkeypatch.setattr(api.views.scores, "score", counted)
    with served(api) as address, open_stream(address) as one, open_stream(address) as other:
        for client in (one, other):
            read_until(client, b"event: status")
    assert asked[:2] == [1_000, 2_000]
    assert len(asked) <= 4


def test_a_gone_client_is_forgotten(api: Api) -> None:
    with served(api) as address:
        with open_stream(address) as client:
            read_until(client, b"event: status")
            assert api.views.live.followers == 1
        wait_until_nobody_watches(api.views.live)


def test_a_client_that_does_not_read_is_dropped_and_others_hear_on(
    api: Api, make_prediction: Callable[..., Prediction]
) -> None:
    prediction, published = make_prediction(10_000), Published(10_000, 900)

    @api.app.post("/flood")
    async def flood() -> None:
        """Tell more than sockets and queue hold, while the server has its turns."""
        while api.views.live.followers:
            for _ in range(100):
                api.views.live.predicted(prediction, published)
            await asyncio.sleep(0)

    with served(api) as address, open_stream(address) as slow:
        read_until(slow, b"event: status")
        with socket.create_connection(address) as other:
            other.sendall(b"POST /flood HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            read_until(other, b"HTTP/1.1 200")
        assert api.views.live.followers == 0
        with open_stream(address) as client:
            read_until(client, b"event: status")
        drain(slow)


def drain(client: socket.socket) -> None:
    client.settimeout(10)
    while client.recv(1 << 20):
        pass  # up to the end the server makes of a stream it dropped


def wait_until_nobody_watches(live: LiveView) -> None:
    deadline = time.monotonic() + 10
    while live.followers:
        assert time.monotonic() < deadline, "a client that left is still told of news"
        time.sleep(0.01)


def test_of_many_streams_asked_for_at_once_no_more_are_let_in(api: Api) -> None:
    with served(api) as address:
        clients = [open_stream(address) for _ in range(100)]  # all before any is answered
        heads = [read_until(client, b"\r\n") for client in clients]
        assert sum(b" 200 " in head for head in heads) == 64
        assert sum(b" 503 " in head for head in heads) == 36
        for client in clients:
            client.close()
        wait_until_nobody_watches(api.views.live)


def test_too_many_streams_are_refused(api: Api) -> None:
    with served(api) as address:
        clients = [open_stream(address) for _ in range(64)]
        for client in clients:
            read_until(client, b"event: status")
        with open_stream(address) as one_more:
            assert b"503" in read_until(one_more, b"\r\n")
        for client in clients:
            client.close()
