"""What is asked again, byte for byte, is answered at once, and as it would be at length."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from marketstream.keys import ApiKey, digest_of, new_secret
from marketstream.messages import Outcome, Prediction
from marketstream.store.sql import open_store
from prediction_api import quick_answers
from prediction_api.quick_answers import QuickAnswers

from .conftest import Api, served

type Make[Made] = Callable[..., Made]

PATH = b"/predictions/BTC-USDT"


def head(path: bytes = PATH, more: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n"


def answer(client: socket.socket, request: bytes) -> tuple[int, dict[str, str], bytes]:
    client.sendall(request)
    told = b""
    while b"\r\n\r\n" not in told:
        told += client.recv(65_536)
    first, _, body = told.partition(b"\r\n\r\n")
    status, *lines = first.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += client.recv(65_536)
    return int(status.split()[1]), headers, body


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The heads that were answered at once."""
    heads: list[bytes] = []
    at_once = QuickAnswers.answer

    def noted(self: QuickAnswers, asked: bytes, *more: Any) -> bytes | None:
        told = at_once(self, asked, *more)
        if told is not None:
            heads.append(asked)
        return told

    monkeypatch.setattr(QuickAnswers, "answer", noted)
    return heads


@pytest.fixture
def known(api: Api, make_prediction: Make[Prediction]) -> Api:
    api.see(10_000)
    for horizon_ms in (1_000, 2_000):
        api.views.hear(make_prediction(horizon_ms=horizon_ms), api.ns)
    return api


@pytest.mark.parametrize("path", [PATH, PATH + b"?horizon=2", b"/predictions/binance/btc_usdt"])
def test_an_answer_is_the_same_at_once_and_at_length(
    known: Api, repeated: list[bytes], path: bytes
) -> None:
    with served(known) as address, socket.create_connection(address, timeout=20) as client:
        at_length = answer(client, head(path))
        at_once = answer(client, head(path))
    assert repeated == [head(path)]
    assert at_once[0] == at_length[0] == 200
    assert {**at_once[1], "date": ""} == {**at_length[1], "date": ""}
    assert at_once[2] == at_length[2]
    assert json.loads(at_once[2]) == known.client.get(path.decode()).json()
    counted = f'status="200"}} {3.0}'
    assert counted in known.metrics.render().decode(), "all are counted"


def test_what_has_changed_is_told(
    known: Api,
    repeated: list[bytes],
    make_prediction: Make[Prediction],
    make_outcome: Make[Outcome],
) -> None:
    def told(client: socket.socket) -> dict[str, Any]:
        _, _, body = answer(client, head())
        said: dict[str, Any] = json.loads(body)
        return said

    known.views.scores.remember("binance:BTC/USDT", [])
    with served(known) as address, socket.create_connection(address, timeout=20) as client:
        told(client)
        assert [one["mid"] for one in told(client)["predictions"]] == [100.0, 100.0]
        known.views.hear(make_prediction(11_000, mid=101.0), known.ns)
        assert [one["mid"] for one in told(client)["predictions"]] == [101.0, 100.0]
        known.views.hear(make_prediction(11_500, mid=99.0, preview=True), known.ns)
        assert [one["mid"] for one in told(client)["previews"]] == [99.0]
        assert told(client)["verdicts"][0]["outcomes"] == 0
        known.views.hear(make_outcome(), known.ns)
        assert told(client)["verdicts"][0]["outcomes"] == 1
        known.ns += 7_000_000_000
        assert (told(client)["data_age_ms"], told(client)["stale"]) == (7_000, True)
    assert len(repeated) == 7


@pytest.mark.parametrize(
    "request_", [
        head(more=b"Connection: close\r\n"),
        head().replace(b"GET", b"HEAD"),
        head().replace(b"HTTP/1.1", b"HTTP/1.0"),
        head(b"/predictions"),
        head(PATH + b"?horizon=7"),
        head(more=b"X: " + 5_000 * b"x" + b"\r\n"),
        head(more=b"Content-Length: 2\r\n") + b"{}",
        head(more=b"Content-Length: 4\r\n") + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_all_else_takes_the_long_way(known: Api, repeated: list[bytes], request_: bytes) -> None:
    with served(known) as address:
        for _ in range(3):
            with socket.create_connection(address, timeout=20) as client:
                client.sendall(request_)
                assert client.recv(65_536).startswith(b"HTTP/1.1 ")
    assert repeated == []


def test_two_requests_at_once_are_two(known: Api, repeated: list[bytes]) -> None:
    both = head() + head(PATH + b"?horizon=2")
    one_with_feeds = head().replace(b"\r\n", b"\n") + head()
    with served(known) as address, socket.create_connection(address, timeout=20) as client:
        for twice in (both, both, one_with_feeds, one_with_feeds):
            client.sendall(twice)
            told = b""
            while told.count(b'"verdicts"') < 2 or not told.endswith(b"]}"):
                told += client.recv(65_536)
            assert told.count(b"HTTP/1.1 200 OK") == 2
    assert repeated == []


def test_a_request_that_comes_in_pieces_is_read_as_one(known: Api, repeated: list[bytes]) -> None:
    with served(known) as address, socket.create_connection(address, timeout=20) as client:
        for _ in range(2):
            assert answer(client, head())[0] == 200
        client.sendall(head()[:20])
        client.sendall(head()[20:] + head())
        told = b""
        while told.count(b"HTTP/1.1 200 OK") < 2:
            told += client.recv(65_536)
    assert repeated == [head()]


def test_who_may_ask_is_asked_each_time(
    make_api: Make[Api], tmp_path: Path, repeated: list[bytes], make_prediction: Make[Prediction]
) -> None:
    secret = new_secret()
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as store:
        store.add_key(ApiKey("charts", "read", digest_of(secret), 5_000))
        api = make_api(store=store, open_read=False, requests_per_minute=4)
        api.see(10_000)
        api.views.hear(make_prediction(), api.ns)
        mine = head(more=f"Authorization: Bearer {secret}\r\n".encode())
        with served(api) as address, socket.create_connection(address, timeout=20) as client:
            told = [answer(client, request) for request in (head(), mine, mine, mine)]
            assert [status for status, _, _ in told] == [401, 200, 200, 200]
            left = [headers["ratelimit"].split(";")[1] for _, headers, _ in told[1:]]
            assert left == ["r=3", "r=2", "r=1"]
            assert repeated == [mine, mine]
            assert answer(client, mine)[0] == 200
            assert answer(client, mine)[0] == 429
            store.revoke_key("charts")
            while answer(client, mine)[0] != 401:
                pass


def test_heads_that_were_asked_long_ago_are_forgotten(
    known: Api, repeated: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_answers, "_MOST_HEADS", 2)
    heads = [head(more=b"X: %d\r\n" % number) for number in range(3)]
    with served(known) as address, socket.create_connection(address, timeout=20) as client:
        for asked in (*heads, *heads[:0:-1], heads[0]):
            assert answer(client, asked)[0] == 200
    assert repeated == heads[:0:-1]
