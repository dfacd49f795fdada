"""Predictions are followed over real sockets, and go on where a client was cut off."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from marketstream.messages import Outcome, Prediction
from prediction_api.views.event_queue import EventQueue, event
from prediction_api.views.market_views import Recalled

from .conftest import MARKET, Api, served

type Make[Message] = Callable[..., Message]
type Told = tuple[str | None, str | None, dict[str, object]]


@contextmanager
def following(
    address: tuple[str, int], after: str | None = None, asked: str = ""
) -> Iterator[Callable[[int], list[Told]]]:
    """Follow BTC/USDT; yield what waits for so many events and returns them."""
    header = "" if after is None else f"Last-Event-ID: {after}\r\n"
    with socket.create_connection(address) as client:
        client.settimeout(10)
        client.sendall(
            f"GET /predictions/BTC-USDT/stream{asked} HTTP/1.0\r\nHost: x\r\n{header}\r\n".encode()
        )
        text = ""
        while "retry: 1000\n\n" not in text:
            text += client.recv(65_536).decode()
        assert " 200 " in text.split("\r\n")[0]
        assert "text/event-stream" in text
        text = text.split("retry: 1000\n\n")[1]

        def events(count: int) -> list[Told]:
            nonlocal text
            while text.count("\n\n") < count:
                chunk = client.recv(65_536).decode()
                assert chunk, f"ended after {text!r}"
                text += chunk
            blocks = text.split("\n\n")
            text = "\n\n".join(blocks[count:])
            return [told(block) for block in blocks[:count]]

        yield events


def told(block: str) -> Told:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return fields.get("id"), fields.get("event"), json.loads(fields["data"])


def wait_for_followers(api: Api, count: int) -> None:
    deadline_s = time.monotonic() + 5
    while sum(map(len, api.views.feed._followers.values())) != count:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def predict(api: Api, make_prediction: Make[Prediction]) -> Callable[..., None]:
    def one(close_time_ms: int, horizon_ms: int = 1_000, **changed: object) -> None:
        api.see(close_time_ms)
        api.views.hear(make_prediction(close_time_ms, horizon_ms, **changed), api.ns)

    return one


def test_predictions_and_outcomes_are_told_as_they_happen_with_an_id_each(
    api: Api, predict: Callable[..., None], make_outcome: Make[Outcome]
) -> None:
    predict(9_000)
    with served(api) as address, following(address) as events:
        wait_for_followers(api, 1)
        predict(10_000)
        predict(10_000, preview=True)
        api.views.hear(make_outcome(9_000), api.ns)
        (p_id, p_name, p_told), (o_id, o_name, o_told) = events(2)
    assert (p_id, p_name, p_told["for_ms"]) == ("p-10000-1000", "prediction", 11_000)
    assert (p_told["direction"], p_told["mid"]) == ("up", 100.0)
    assert (o_id, o_name, o_told["verdict"]) == ("o-9000-1000", "outcome", "right")
    assert str(o_told["id"]).startswith(f"{MARKET}:1s:9000:1000:champion")


def test_a_client_that_comes_back_is_sent_what_it_missed(
    api: Api, predict: Callable[..., None]
) -> None:
    for second in range(10, 20):
        predict(second * 1_000)
    with served(api) as address, following(address, "p-16000-1000") as events:
        assert [event_id for event_id, _, _ in events(3)] == [
            "p-17000-1000", "p-18000-1000", "p-19000-1000",
        ]  # fmt: skip
        wait_for_followers(api, 1)
        predict(20_000)
        assert events(1)[0][0] == "p-20000-1000"


def test_what_is_no_longer_remembered_is_declared(api: Api, predict: Callable[..., None]) -> None:
    for second in range(10, 4_200):
        predict(second * 1_000)
    with served(api) as address, following(address, "p-12000-1000") as events:
        missed, first = events(2)
    assert missed[1:] == ("missed", {"after": "p-12000-1000", "from_ms": 11_000})
    assert first[0] == f"p-{(4_200 - 4_096) * 1_000}-1000"


def test_after_a_restart_it_goes_on_with_what_is_stored(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome]
) -> None:
    api.views.recall(
        Recalled(
            [], [make_prediction(close) for close in (10_000, 11_000, 12_000)],
            [make_outcome(10_000), make_outcome(11_000)], [],
        )
    )  # fmt: skip
    with served(api) as address, following(address, "o-10000-1000") as events:
        assert [one[0] for one in events(2)] == ["p-12000-1000", "o-11000-1000"]


def test_only_the_horizons_that_are_asked_for_are_told(
    api: Api, predict: Callable[..., None]
) -> None:
    predict(9_000)
    with served(api) as address, following(address, "p-9000-1000", "?horizon=2s") as events:
        wait_for_followers(api, 1)
        predict(10_000)
        predict(10_000, 2_000)
        assert events(1)[0][0] == "p-10000-2000"


def test_whoever_leaves_is_forgotten_and_who_reads_nothing_is_dropped(
    api: Api, predict: Callable[..., None]
) -> None:
    with served(api) as address:
        with following(address):
            wait_for_followers(api, 1)
        for second in range(10, 20):
            predict(second * 1_000)  # what is sent tells that nobody reads
            time.sleep(0.02)
        wait_for_followers(api, 0)


def test_no_more_than_64_follow(api: Api) -> None:
    with served(api) as address:
        clients = [socket.create_connection(address) for _ in range(64)]
        for client in clients:
            client.sendall(b"GET /predictions/BTC-USDT/stream HTTP/1.0\r\nHost: x\r\n\r\n")
        wait_for_followers(api, 64)
        assert api.client.get("/predictions/BTC-USDT/stream").status_code == 503
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/predictions/XRP-USDT/stream", {}, 404),
        ("/predictions/binance/XRP-USDT/stream", {}, 404),
        ("/predictions/BTC-USDT/stream?horizon=7s", {}, 422),
        ("/predictions/BTC-USDT/stream", {"Last-Event-ID": "17"}, 422),
        ("/predictions/BTC-USDT/stream", {"Last-Event-ID": "p-1-1\u00e9"}, 422),
    ],
)
def test_what_there_is_not_is_said(
    api: Api, path: str, headers: dict[str, str], status: int
) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert api.client.get(path, headers=encoded).status_code == status  # type: ignore[arg-type]


def test_it_has_no_head_that_would_not_end(api: Api) -> None:
    for path in ("/predictions/BTC-USDT/stream", "/predictions/binance/BTC-USDT/stream"):
        answer = api.client.head(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
        assert api.client.options(path).headers["allow"] == "GET, OPTIONS"


def test_an_event_is_encoded_once_for_all_who_go_on_after_it(
    api: Api, make_prediction: Callable[..., Prediction]
) -> None:
    encoded: list[str | None] = []

    def encode(name: str, data: object, number: str | None = None) -> bytes:
        encoded.append(number)
        return event(name, data, number)

    for close_ms in (10_000, 11_000, 12_000):
        api.views.hear(make_prediction(close_ms), api.ns)
    told = []
    for _ in range(3):
        queue = EventQueue()
        assert api.views.feed.follow(MARKET, queue, None, "p-10000-1000", encode)
        told.append(queue.take())
    assert encoded == ["p-11000-1000", "p-12000-1000"]
    assert told[0]
    assert told[1:] == told[:1] * 2


def names(queue: EventQueue) -> list[object]:
    """Return the ids of what waits, and what was missed."""
    blocks = (queue.take() or b"").decode().split("\n\n")[:-1]
    return [event_id or data for event_id, _, data in map(told, blocks)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("p-9999999999999999-1000", []),
        ("p-12000-1000", []),
        ("o-9000-2000", ["p-11000-1000", "o-10000-2000", "p-12000-1000"]),
        ("p-11000-60000", ["p-11000-1000", "o-10000-2000", "p-12000-1000"]),
        ("p-10500-1000", ["p-11000-1000", "o-10000-2000", "p-12000-1000"]),
        ("o-10000-2000", ["p-12000-1000"]),
        (
            "p-9000-1000",
            [
                {"after": "p-9000-1000", "from_ms": 7_000},
                "p-10000-1000", "p-11000-1000", "o-10000-2000", "p-12000-1000",
            ],
        ),
    ],
)  # fmt: skip
def test_after_an_event_that_is_unknown_it_goes_on_by_the_time_that_its_id_tells(
    api: Api, make_prediction: Make[Prediction], make_outcome: Make[Outcome],
    after: str, expected: list[object],
) -> None:  # fmt: skip
    for message in (
        make_prediction(10_000), make_prediction(11_000), make_outcome(10_000, 2_000),
        make_prediction(12_000),
    ):  # fmt: skip
        api.views.hear(message, api.ns)
    queue = EventQueue()
    assert api.views.feed.follow(MARKET, queue, None, after)
    assert names(queue) == expected


def test_what_a_slow_client_lost_came_after_what_it_was_told_last(
    api: Api, make_prediction: Make[Prediction]
) -> None:
    feed = api.views.feed

    def predict(*closes_s: int) -> None:
        for close_s in closes_s:
            api.views.hear(make_prediction(close_s * 1_000), api.ns)

    predict(10, 11, 12)
    new, back = (EventQueue(2, feed.missed(MARKET)) for _ in range(2))
    assert feed.follow(MARKET, new)
    assert feed.follow(MARKET, back, None, "p-10000-1000")
    assert names(back) == ["p-11000-1000", "p-12000-1000"]
    predict(13, 14, 15)
    lost = {"after": "p-12000-1000", "from_ms": 11_000}
    assert names(new) == names(back) == [lost, "p-14000-1000", "p-15000-1000"]
    late = EventQueue(1, feed.missed(MARKET))
    assert feed.follow(MARKET, late, None, "p-13000-1000")
    predict(16)
    assert names(late) == [{"after": "p-13000-1000", "from_ms": 12_000}, "p-16000-1000"]
