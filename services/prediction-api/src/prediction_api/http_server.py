"""The HTTP server of the API: a socket of our own, and signals left to the process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import Generator, Sequence
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI
from loguru import logger
from starlette.types import ASGIApp, Receive, Scope, Send

from marketstream.errors import NetworkError, SettingsError
from prediction_api.connections import connections
from prediction_api.routes.markets import short_paths

_LONGEST_HEAD = 65_536  # bytes of a request's first line and headers
_OTHER_FILES = 256  # of feeds, the store and models
_BACKLOG = 128  # asyncio takes as many at once, and all else waits meanwhile
_MOST_SAID = 4_096  # bytes of a message, to streams that listen to nothing
_PARTING_S = 5.0  # for what is being answered, once the server is to stop
_LAST_S = 1  # for who does not even end when cancelled


class HttpServer(uvicorn.Server):
    """A server that leaves signals to the process it runs in, and that no client keeps running."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers end for 5 s, then end what is left, be it read by nobody."""
        parting = asyncio.get_running_loop().call_later(_PARTING_S, self._part)
        try:
            await super().shutdown(sockets)
        finally:
            parting.cancel()

    def _part(self) -> None:
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        for task in tuple(self.server_state.tasks):
            task.cancel()


class Cancellable:
    """An app whose answers end quietly where the server that stops has waited long enough."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._app(scope, receive, send)


def server_config(app: FastAPI, most_connections: int = 1_000) -> uvicorn.Config:
    """Return how an app is served: quietly, and no client may send much, or take long over it."""
    return uvicorn.Config(
        Cancellable(app),
        http=connections(app.state.quick_answers, most_connections),
        log_config=None,
        access_log=False,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        ws_max_size=_MOST_SAID,
        timeout_graceful_shutdown=int(_PARTING_S) + _LAST_S,
        proxy_headers=False,  # whoever asks may write what they like
    )


def allow_files(most_connections: int) -> None:
    """Have so many connections be open beside all else; SettingsError where they may not be."""
    needed = most_connections + _OTHER_FILES
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY or now >= needed:
        return
    if most != resource.RLIM_INFINITY and most < needed:
        raise SettingsError(
            f"{most_connections} connections need {needed} open files, and {most} are allowed: "
            f"say `ulimit -n {needed}` before, or a lower most_streams"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def say_where(listening: socket.socket, markets: Sequence[str]) -> None:
    """Log where the dashboard and the predictions of each market are."""
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    logger.info("Dashboard", url=f"{address}/")
    for path in short_paths(markets).values():
        logger.info("Predictions", url=f"{address}/predictions/{path}")
    logger.info("Health and metrics", health=f"{address}/health")


def own_names(host: str) -> Sequence[str]:
    """Return the names of a loopback address; of any other, nobody here knows what it is called."""
    if not ip_address(host).is_loopback:
        return ()
    return "localhost", f"[{host}]" if ":" in host else host


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises NetworkError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio knows TCP, and turns off Nagle's algorithm: an answer's
    # head and body are two writes, and the second would wait 40 ms for a delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # at once: who cannot connect should learn so now
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise NetworkError(
                f"port {port} on {host} is already in use: stop what listens there, "
                "or choose another with --port or API_PORT"
            ) from error
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listening
