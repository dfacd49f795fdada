"""scripts/wait_for_prediction, against a server that warms up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from marketstream.testing import free_port

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "wait_for_prediction"
PREDICTION = b'{"symbol":"BTC/USDT","predictions":[{"direction":"up"}]}'
WARMING_UP = b'{"title":"warming up"}'


def waited(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)


@contextmanager
def api(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve these answers in turn, the last again and again; yield the URL and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as above
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_it_waits_while_the_api_warms_up_and_prints_the_prediction() -> None:
    with api((503, WARMING_UP), (200, PREDICTION)) as (url, asked):
        result = waited("ETH-USDT", url)
    assert (result.returncode, result.stdout) == (0, PREDICTION.decode() + "\n")
    assert asked == ["/predictions/ETH-USDT"] * 2


def test_it_gives_up_in_time_with_the_last_answer() -> None:
    with api((503, WARMING_UP)) as (url, _):
        result = waited("BTC-USDT", url, "0")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no prediction of BTC-USDT within 0 s" in result.stderr
    assert WARMING_UP.decode() in result.stderr


def test_a_symbol_that_nobody_follows_is_no_reason_to_wait() -> None:
    with api((404, b'{"title":"no such symbol"}')) as (url, asked):
        result = waited("XRP-USDT", url)
    assert result.returncode == 1
    assert "no such symbol" in result.stderr
    assert len(asked) == 1


def test_a_symbol_of_several_venues_is_asked_for_by_one_of_them() -> None:
    choices = b'{"choices":["/predictions/binance/BTC-USDT","/predictions/kraken/BTC-USDT"]}'
    with api((300, choices)) as (url, asked):
        result = waited("BTC-USDT", url)
    assert result.returncode == 1
    assert "several venues have BTC-USDT" in result.stderr
    assert choices.decode() in result.stderr
    assert len(asked) == 1
    with api((200, PREDICTION)) as (url, asked):
        assert waited("kraken/BTC-USDT", url).returncode == 0
    assert asked == ["/predictions/kraken/BTC-USDT"]


def test_nobody_listening_is_said() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = waited("BTC-USDT", url, "0")
    assert result.returncode == 1
    assert f"no answer from {url}" in result.stderr


def test_seconds_that_are_no_number_are_refused() -> None:
    result = waited("BTC-USDT", "http://127.0.0.1", "soon")
    assert result.returncode == 1
    assert "SECONDS is soon" in result.stderr
