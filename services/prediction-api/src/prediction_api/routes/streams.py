"""The routes that the dashboard lives on: a first view of a market, and a stream of its news."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from marketstream.symbols import split_market
from prediction_api.routes.answers import json_answer, problem
from prediction_api.routes.markets import add_market_route
from prediction_api.views.event_queue import EventQueue
from prediction_api.views.live import LiveView
from prediction_api.views.market_views import MarketViews
from prediction_api.views.status_lines import STATUS_EVERY_S, StatusLines

_MOST_STREAMS = 64


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
        if live.followers >= _MOST_STREAMS:
            return problem(503, "Too many streams", f"{_MOST_STREAMS} are open: close one")
        return StreamingResponse(
            _news(live, lines, market),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    add_market_route(app, "view", views.board.markets, view)
    add_market_route(app, "stream", views.board.markets, stream)


async def _news(live: LiveView, lines: StatusLines, market: str) -> AsyncIterator[bytes]:
    queue = EventQueue()
    live.follow(market, queue)
    status_due_s = time.monotonic()
    try:
        while True:
            if time.monotonic() >= status_due_s:
                status_due_s = time.monotonic() + STATUS_EVERY_S
                yield await lines.line(market)
            news = await queue.next(status_due_s - time.monotonic())
            if news is None:
                return
            if news:
                yield news
    finally:
        live.forget(market, queue)
