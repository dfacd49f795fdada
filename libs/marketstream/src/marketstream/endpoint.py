"""What a service that has no API of its own says over HTTP: `/metrics` and `/health`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from loguru import logger

from marketstream.errors import NetworkError
from marketstream.metrics import CONTENT_TYPE, Metrics

type Health = Callable[[], Mapping[str, object]]
"""What `/health` says; it is answered with 503 unless `status` is "ok"."""

_IDLE_S = 10.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def endpoint(host: str, port: int, metrics: Metrics, health: Health) -> Iterator[int]:
    """Answer on a thread of its own for as long as the context lasts; gives the port.

    Port 0 takes a free one. Raises NetworkError where the port is taken.
    """
    handler = _handler(metrics, health)
    try:
        server = _Server((host, port), handler)
    except OSError as error:
        raise NetworkError(
            f"cannot listen on {host} port {port} ({error.strerror}): stop what listens there, or "
            "choose another with METRICS_PORT"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="endpoint", daemon=True)
    thread.start()
    logger.info("Health and metrics", url=f"http://{host}:{server.server_port}/health")
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(metrics: Metrics, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_S

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE, metrics.render())
            elif path == "/health":
                said = health()
                ok = said.get("status") == "ok"
                status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "application/json", msgspec.json.encode(said))
            else:
                routes = b"there are /health and /metrics\n"
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", routes)

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: somebody asks every few seconds."""

    return Handler
