"""The routes that the dashboard lives on: a first view of a market, and a stream of its news."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from marketstream.symbols import split_market
from prediction_api.routes.answers import json_answer, problem
from prediction_api.routes.markets import add_market_route
from prediction_api.views.event_queue import EventQueue
from prediction_api.views.live import MOST_FOLLOWERS
from prediction_api.views.market_views import MarketViews
from prediction_api.views.status_lines import STATUS_EVERY_S, StatusLines


def add_stream_routes(app: FastAPI, views: MarketViews) -> None:
    """Add `/view` and `/stream`."""
    live = views.live
    lines = StatusLines(views)

    async def view(market: str) -> Response:
        """Return what the dashboard draws first: candles, predictions, their outcomes."""
        venue, symbol = split_market(market)
        kept = msgspec.structs.asdict(live.view(market))
        return json_answer({"market": market, "venue": venue, "symbol": symbol, **kept})

    async def stream(market: str) -> Response:
        """Send news of a market as they happen, and its status each second."""
        queue = EventQueue()
        if not live.follow(market, queue):
            return problem(503, "Too many streams", f"{MOST_FOLLOWERS} are open: close one")
        return _Stream(
            _news(queue, lines, market),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            ended=lambda: live.forget(market, queue),
        )

    add_market_route(app, "view", views.board.markets, view)
    add_market_route(app, "stream", views.board.markets, stream)


class _Stream(StreamingResponse):
    """A stream that says when it has ended, even if its client left before it began."""

    def __init__(self, content: AsyncIterator[bytes], *, ended: Callable[[], None], **kw: Any):
        super().__init__(content, **kw)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


async def _news(queue: EventQueue, lines: StatusLines, market: str) -> AsyncIterator[bytes]:
    status_due_s = time.monotonic()
    while True:
        if time.monotonic() >= status_due_s:
            status_due_s = time.monotonic() + STATUS_EVERY_S
            yield await lines.line(market)
        news = await queue.next(status_due_s - time.monotonic())
        if news is None:
            return
        if news:
            yield news
