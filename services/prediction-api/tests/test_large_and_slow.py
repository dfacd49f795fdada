"""Clients that send much, or take long over it, keep nobody else from being answered."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack
from threading import Event

import pytest

from prediction_api import connections, http_server

from .conftest import Api, served

MEGABYTES = 10 << 20
HEAD = b"GET /symbols HTTP/1.1\r\nHost: localhost\r\n"


def told(client: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    said = b""
    try:
        while chunk := client.recv(65_536):
            said += chunk
    except ConnectionError:  # reset, for there was more that nobody read
        pass
    return said


def sent(address: tuple[str, int], *parts: bytes) -> bytes:
    with socket.create_connection(address, timeout=20) as client:
        try:
            for part in parts:
                client.sendall(part)
        except ConnectionError:
            pass
        return told(client)


def test_ten_megabytes_of_headers_are_not_read(api: Api) -> None:
    with served(api) as address:
        answer = sent(address, HEAD + b"X: " + b"x" * MEGABYTES + b"\r\n\r\n")
        assert b" 200 " not in answer
        assert b" 200 OK" in sent(address, HEAD + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "status"),
    [(b"Content-Length: %d" % MEGABYTES, b"413"), (b"Transfer-Encoding: chunked", b"411")],
)
def test_ten_megabytes_of_a_body_are_not_read(api: Api, head: bytes, status: bytes) -> None:
    with served(api) as address, socket.create_connection(address, timeout=20) as client:
        client.sendall(b"POST /symbols HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
        assert told(client).startswith(b"HTTP/1.1 " + status), "and the connection is closed"


def test_a_short_body_is_passed_over(api: Api) -> None:
    with served(api) as address:
        body = b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
        assert sent(address, HEAD + body).startswith(b"HTTP/1.1 200 OK")


def test_who_takes_long_to_say_what_they_want_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.5)
    with served(api) as address, ExitStack() as slow:
        began_s = time.monotonic()
        silent = slow.enter_context(socket.create_connection(address, timeout=20))
        dripping = slow.enter_context(socket.create_connection(address, timeout=20))
        dripping.sendall(HEAD)
        in_a_body = slow.enter_context(socket.create_connection(address, timeout=20))
        in_a_body.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        again = slow.enter_context(socket.create_connection(address, timeout=20))
        again.sendall(HEAD + b"\r\n" + HEAD)
        assert told(silent) == b""
        assert told(dripping) == b""
        assert told(in_a_body).startswith(b"HTTP/1.1 200 OK")
        assert told(again).startswith(b"HTTP/1.1 200 OK")
        assert 0.4 < time.monotonic() - began_s < 9, "5 s of it are those of a kept connection"


def test_a_stream_lasts_longer_than_that(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.3)
    with served(api) as address, socket.create_connection(address, timeout=20) as client:
        client.sendall(b"GET /stream/BTC-USDT HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until_s = time.monotonic() + 1.5
        said = b""
        while time.monotonic() < until_s:
            said += client.recv(65_536)
        assert said.count(b"event: status") >= 2


def unread(address: tuple[str, int], path: bytes, times: int = 1) -> socket.socket:
    """Ask without reading what is answered."""
    client = socket.socket()
    client.settimeout(20)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(address)
    client.sendall((b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n") * times)
    return client


def test_who_does_not_read_keeps_the_server_from_stopping_for_a_moment_only(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_server, "_PARTING_S", 0.3)
    with ExitStack() as still_open, served(api) as address:
        client = still_open.enter_context(unread(address, b"/openapi.json", times=60))
        assert client.recv(10), "the first of them is being written"
    assert not [each for each in caplog.records if each.exc_info]


def test_who_asked_for_what_takes_long_is_not_waited_for_and_nothing_is_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_server, "_PARTING_S", 0.3)
    asked = Event()

    @api.app.get("/long")
    async def long() -> None:
        asked.set()
        await asyncio.Event().wait()

    with ExitStack() as open_long, served(api) as address:
        open_long.enter_context(unread(address, b"/long"))
        assert asked.wait(10)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_a_question_about_the_server_itself_is_answered(api: Api) -> None:
    with served(api) as address:
        asked = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert sent(address, asked).startswith(b"HTTP/1.1 404")


def test_who_does_not_read_gives_up_their_place(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_UNREAD_S", 0.3)
    with served(api, most_connections=2) as address, ExitStack() as slow:
        for _ in range(2):
            client = slow.enter_context(unread(address, b"/openapi.json", times=60))
            assert client.recv(10)
        until_s = time.monotonic() + 10
        answer = b""
        while not answer and time.monotonic() < until_s:
            answer = sent(address, HEAD + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK")


def test_one_connection_too_many_ends_one_that_is_idle_and_none_that_streams(api: Api) -> None:
    with served(api, most_connections=3) as address, ExitStack() as clients:
        streaming, idle, newer = (
            clients.enter_context(socket.create_connection(address, timeout=20)) for _ in range(3)
        )
        streaming.sendall(b"GET /stream/BTC-USDT HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert streaming.recv(65_536)
        for client in (idle, newer):
            client.sendall(HEAD + b"\r\n")
            said = client.recv(65_536)
            while not said.endswith(b"}]"):
                said += client.recv(65_536)
        assert sent(address, HEAD + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
        assert told(idle) == b""
        newer.sendall(HEAD + b"Connection: close\r\n\r\n")
        assert told(newer).startswith(b"HTTP/1.1 200 OK")
        assert streaming.recv(65_536)
