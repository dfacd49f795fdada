"""Predictions are followed over WebSocket as they are by Server-Sent Events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from marketstream.messages import MoveForecast, Outcome, Prediction

from .conftest import Api, served

type Make[Made] = Callable[..., Made]

PATH = "/predictions/BTC-USDT/stream"


def opened(address: tuple[str, int], path: str = PATH, **more: Any) -> ClientConnection:
    host, port = address
    return connect(f"ws://{host}:{port}{path}", open_timeout=20, proxy=None, **more)


def heard(client: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(client.recv(timeout=10))
    return told


def wait_for_followers(api: Api, count: int) -> None:
    deadline_s = time.monotonic() + 10
    while sum(map(len, api.views.feed._followers.values())) != count:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def predict(api: Api, make_prediction: Make[Prediction]) -> Callable[..., None]:
    def one(close_time_ms: int, horizon_ms: int = 1_000) -> None:
        api.see(close_time_ms)
        api.views.hear(make_prediction(close_time_ms, horizon_ms), api.ns)

    return one


@pytest.mark.parametrize("path", [PATH, "/predictions/binance/BTC-USDT/stream"])
def test_each_event_is_a_message_with_its_name_and_id(
    api: Api, predict: Callable[..., None], make_outcome: Make[Outcome], path: str
) -> None:
    with served(api) as address, opened(address, path) as client:
        wait_for_followers(api, 1)
        predict(10_000)
        api.views.hear(make_outcome(9_000), api.ns)
        said, came = heard(client), heard(client)
    assert (said["id"], said["event"]) == ("p-10000-1000", "prediction")
    assert (said["data"]["for_ms"], said["data"]["direction"]) == (11_000, "up")
    assert (came["id"], came["event"]) == ("o-9000-1000", "outcome")
    assert came["data"]["verdict"] == "right"


def test_how_far_is_followed_by_its_target(api: Api) -> None:
    forecast = MoveForecast(
        "binance:BTC/USDT", "1s", 60_000, 300_000, "volatility", "ewma", "", "mid", 0, 4e-6, (),
        {"ewma": 4e-6},
    )  # fmt: skip
    api.views.hear(forecast, 1)
    path = f"{PATH}?target=volatility&horizon=5m&after=p-0-300000"
    with served(api) as address, opened(address, path) as client:
        missed = heard(client)
        said = heard(client)
    assert missed["event"] == "missed"
    assert (said["id"], said["event"]) == ("p-60000-300000", "move")
    assert said["data"]["move"] == pytest.approx(2e-3)


def test_it_goes_on_after_an_event_and_declares_what_was_missed(
    api: Api, predict: Callable[..., None]
) -> None:
    for second in range(10, 14):
        predict(second * 1_000)
        predict(second * 1_000, 2_000)
    with served(api) as address:
        with opened(address, f"{PATH}?after=p-11000-2000&horizon=2s") as client:
            assert [heard(client)["id"] for _ in range(2)] == ["p-12000-2000", "p-13000-2000"]
        with opened(address, f"{PATH}?after=p-9000-1000&horizon=1") as client:
            missed = heard(client)
            assert (missed["event"], missed["data"]["from_ms"]) == ("missed", 7_000)
            assert heard(client)["id"] == "p-10000-1000"
        wait_for_followers(api, 0)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/predictions/XRP-USDT/stream", 404, "XRP/USDT is not followed"),
        (f"{PATH}?horizon=7s", 422, "horizon 7s is not predicted"),
        (f"{PATH}?after=17", 422, "17 is no id of an event"),
        (f"{PATH}?since=1", 422, "no such parameter: since"),
    ],
)
def test_what_there_is_not_is_said_before_it_opens(
    api: Api, path: str, status: int, detail: str
) -> None:
    with served(api) as address, pytest.raises(InvalidStatus) as refused:
        opened(address, path)
    answer = refused.value.response
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in json.loads(answer.body or b"")["detail"]


def test_no_more_than_64_follow_and_the_end_of_the_server_is_theirs(
    api: Api, predict: Callable[..., None]
) -> None:
    with served(api) as address, ExitStack() as clients:
        opened_ones = [clients.enter_context(opened(address)) for _ in range(64)]
        with pytest.raises(InvalidStatus, match="503"):
            opened(address)
        predict(10_000)
        assert {heard(client)["id"] for client in opened_ones} == {"p-10000-1000"}
        api.views.feed.close()
        with pytest.raises(ConnectionClosed, match="1013"):
            opened_ones[0].recv(timeout=10)


def test_who_reads_nothing_is_dropped(api: Api, predict: Callable[..., None]) -> None:
    with served(api) as address, opened(address, max_queue=1):
        wait_for_followers(api, 1)
        deadline_s = time.monotonic() + 30
        second = 10
        while sum(map(len, api.views.feed._followers.values())):
            predict(second * 1_000)
            second += 1
            assert time.monotonic() < deadline_s


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 101), ("own", 101), ("https://charts.example.com", 101), ("https://evil.example", 403)],
)
def test_pages_of_other_origins_open_it_where_they_may(
    make_api: Make[Api], origin: str | None, status: int
) -> None:
    api = make_api(cors_origins=["https://charts.example.com"])
    with served(api) as address:
        own = f"http://{address[0]}:{address[1]}"
        told = own if origin == "own" else origin
        if status == 101:
            with opened(address, origin=told):
                return
        with pytest.raises(InvalidStatus, match=str(status)):
            opened(address, origin=told)


def test_it_answers_by_its_own_names_only_and_with_a_key_where_one_is_needed(
    make_api: Make[Api],
) -> None:
    with (
        served(make_api(allowed_hosts=["prices.example.com"])) as address,
        pytest.raises(InvalidStatus, match="421"),
    ):
        opened(address)
    with (
        served(make_api(open_read=False)) as address,
        pytest.raises(InvalidStatus, match="401"),
    ):
        opened(address)
