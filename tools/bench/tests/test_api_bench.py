"""What the benchmark of the API reads out of wrk, and who its clients are."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from threading import Thread

import msgspec
import pytest

from realtime_bench import api
from realtime_bench.api_clients import Crowd

SAID = """  Latency Distribution
     50%  443.00us
     75%    2.64ms
     90%    8.93ms
     99%    1.02s
  94713 requests in 5.04s, 633.46MB read
Requests/sec:  18773.70
"""


@pytest.mark.parametrize(("share", "ms"), [(50, 0.443), (90, 8.93), (99, 1_020.0)])
def test_latencies_of_wrk_are_read_in_whatever_unit(share: int, ms: float) -> None:
    assert api._latency_ms(SAID, share) == pytest.approx(ms)


def test_a_rate_is_read_and_what_is_none_is_said() -> None:
    assert float(api._found(r"Requests/sec:\s+([\d.]+)", SAID)) == 18_773.7
    with pytest.raises(api.NetworkError, match="what was not expected: nothing"):
        api._found(r"Requests/sec:\s+([\d.]+)", "nothing")


def test_listeners_say_how_long_after_its_close_news_arrived() -> None:
    """A server that tells three clients of a close of 1970, over and over."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def tell(client: socket.socket) -> None:
            with client:
                assert client.recv(1_000).startswith(b"GET /told HTTP/1.1")
                try:
                    while True:
                        client.sendall(b"id: p-1000-1000\n\n")
                        client.settimeout(0.2)
                        try:
                            client.recv(1)
                        except TimeoutError:
                            continue
                        return
                except OSError:
                    return

        def serve() -> None:
            for _ in range(3):
                client, _ = listening.accept()
                Thread(target=tell, args=(client,), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        crowd = Crowd(listening.getsockname()[1], "listeners", 3, 1.0, "/told")
        command = [sys.executable, "-m", "realtime_bench.api_clients"]
        done = subprocess.run(
            [*command, msgspec.json.encode(crowd).decode()],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    there, heard = done.stdout.splitlines()
    assert there == "all are connected"
    found = json.loads(heard)
    assert found["connected"] == 3
    assert len(found["after_close_ms"]) >= 3
    assert min(found["after_close_ms"]) > 1_000_000_000_000
