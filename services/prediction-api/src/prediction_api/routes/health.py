"""The routes that tell how things are: health for people and probes, metrics for Prometheus."""

from __future__ import annotations

from fastapi import FastAPI, Response

from prediction_api.routes.answers import json_answer
from prediction_api.views.market_views import MarketViews

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_WORST_FIRST = ("stale", "stalled", "connecting", "ended", "warming up")
_UNFIT = ("stale", "stalled")


def add_health_routes(app: FastAPI, views: MarketViews) -> None:
    """Add `/health` and `/metrics`."""
    board, overview = views.board, views.overview

    @app.get("/health")
    async def health() -> Response:
        """Return the state of each market by `venue:SYMBOL`; 503 where one is stale or stalled."""
        markets = {}
        for market in board.markets:
            age = board.age(market)
            markets[market] = {
                "status": board.state(market),
                "data_age_ms": None if age is None else age.age_ms,
                **overview.details(market),
            }
        states = {board.state(market) for market in board.markets}
        worst = next((state for state in _WORST_FIRST if state in states), "ok")
        return json_answer({"status": worst, "markets": markets}, 503 if worst in _UNFIT else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return the Prometheus metrics."""
        return Response(overview.render_metrics(), media_type=_PROMETHEUS)
