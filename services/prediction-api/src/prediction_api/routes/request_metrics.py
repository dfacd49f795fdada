"""How the API answers: requests counted by route and status, and timed."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketstream.metrics import Metrics

_OTHER = "other"  # what is asked for may be anything; a label may not


class RequestMetrics:
    """An app whose answers are counted by route and status, and timed until they begin."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        answered = False

        def count(status: int) -> None:
            nonlocal answered
            answered = True
            route = getattr(scope.get("route"), "path", _OTHER)
            self._metrics.http_requests.labels(route, status).inc()
            self._metrics.http_seconds.labels(route).observe(time.perf_counter() - began)

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not answered:  # the server answers in its stead
                count(500)
            raise
