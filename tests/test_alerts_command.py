"""`realtime alerts test`: one alert to every address, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path == "/good" else 401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(folder: Path, environment: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "alerts", "test", *more],
        capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=folder,
    )  # fmt: skip


def test_every_address_is_sent_one(tmp_path: Path, url: str) -> None:
    done = ask(tmp_path, {"ALERTS_WEBHOOKS": f"{url}/good"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("webhook 127.0.0.1 ")
    assert done.stdout.endswith(": delivered\n")


def test_those_that_do_not_take_it_are_named_and_their_secrets_are_not(
    tmp_path: Path, url: str
) -> None:
    told = {
        "ALERTS_WEBHOOKS": f"{url}/good,http://127.0.0.1:9/s3cret",
        "ALERTS_TELEGRAM_URL": url,
        "ALERTS_TELEGRAM_TOKEN": "12:s3cret",
        "ALERTS_TELEGRAM_CHATS": "7",
    }
    done = ask(tmp_path, told, "--json")
    assert done.returncode == 5
    assert "2 of 3 did not take it" in done.stderr
    assert [(one["delivered"], one["reason"]) for one in json.loads(done.stdout)["alerts"]] == [
        (True, None), (False, "ClientConnectorError"), (False, "HTTP 401"),
    ]  # fmt: skip
    assert "s3cret" not in done.stdout + done.stderr


def test_without_an_address_it_says_how_to_set_one(tmp_path: Path) -> None:
    done = ask(tmp_path, {})
    assert (done.returncode, done.stdout) == (2, "")
    assert "set ALERTS_WEBHOOKS" in done.stderr
