"""The routes of the dashboard: the page, its bundle, a first view and a stream of news."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from fastapi.responses import FileResponse, HTMLResponse, StreamingResponse

from prediction_api.routes.answers import followed, json_answer, problem
from prediction_api.routes.watching import Watcher
from prediction_api.views.status_lines import STATUS_EVERY_S, StatusLines

if TYPE_CHECKING:
    from fastapi import FastAPI, Response

    from prediction_api.views.board import PredictionBoard
    from prediction_api.views.live import LiveView
    from prediction_api.views.skill import Score
    from prediction_api.views.state import SystemState, WarmingUp

_BUNDLE = Path(__file__).parents[1] / "static"
_MOST_STREAMS = 64
_NOT_BUILT = """<!doctype html><html lang="en"><title>Dashboard not built</title>
<p>The dashboard is not built yet: run <code>make dashboard</code>, then load this page again.
<p>Meanwhile <a href="/routes">/routes</a> lists what else there is.</html>
"""
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # The chart library styles its elements by itself; all else is in the bundle, nothing outside.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the dashboard shows: the live view, and what is asked once a second while it is open.

    `system` is asked by market, `score` by market and horizon.
    """

    live: LiveView
    system: Callable[[str], SystemState]
    score: Callable[[str, int], Score]
    bundle: Path = _BUNDLE


def add_dashboard(
    app: FastAPI,
    board: PredictionBoard,
    dashboard: Dashboard,
    *,
    warming_up: Callable[[str], WarmingUp],
) -> None:
    """Add the dashboard's routes to an app."""
    live = dashboard.live
    lines = StatusLines(board, live, dashboard.system, dashboard.score, warming_up)

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        index = dashboard.bundle / "index.html"
        if not index.exists():
            return HTMLResponse(_NOT_BUILT, 503)
        return FileResponse(index, headers=_PAGE_HEADERS)

    @app.get("/static/{name}", include_in_schema=False)
    async def bundled(name: str) -> Response:
        path = dashboard.bundle / name
        if name.startswith(".") or not path.is_file():
            return problem(404, "No such file", f"{name} is not part of the dashboard")
        # The names do not change with the content, so a browser has to ask each time.
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    @app.get("/view/{symbol}")
    async def view(symbol: str) -> Response:
        """Return what the dashboard draws first: candles, predictions, their outcomes."""
        unified, market = followed(board, symbol)
        shown = msgspec.structs.asdict(live.view(market))
        return json_answer({"symbol": unified, **shown})

    @app.get("/stream/{symbol}")
    async def stream(symbol: str) -> Response:
        """Send news of a market as they happen, and its status each second."""
        _, market = followed(board, symbol)
        if live.watching >= _MOST_STREAMS:
            return problem(503, "Too many streams", f"{_MOST_STREAMS} are open: close one")
        return StreamingResponse(
            _news(live, lines, market),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


async def _news(live: LiveView, lines: StatusLines, market: str) -> AsyncIterator[bytes]:
    watcher = Watcher()
    live.watch(market, watcher)
    status_due_s = time.monotonic()
    try:
        while True:
            if time.monotonic() >= status_due_s:
                status_due_s = time.monotonic() + STATUS_EVERY_S
                yield await lines.line(market)
            news = await watcher.next(status_due_s - time.monotonic())
            if news is None:
                return
            if news:
                yield news
    finally:
        live.forget(market, watcher)
