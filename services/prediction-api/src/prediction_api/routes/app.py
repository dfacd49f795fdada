"""The HTTP routes: predictions, health and metrics; and the dashboard beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from fastapi import FastAPI, Response

from marketstream.metrics import Metrics
from marketstream.symbols import url_symbol
from prediction_api.routes.answers import (
    JSON,
    NoSuchSymbolError,
    followed,
    json_answer,
    no_such_symbol,
    problem,
)
from prediction_api.routes.dashboard import Dashboard, add_dashboard
from prediction_api.routes.measuring import Measured
from prediction_api.views.board import PredictionBoard
from prediction_api.views.state import WarmingUp

__all__ = ["WarmingUp", "build_app"]

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def build_app(
    board: PredictionBoard,
    *,
    warming_up: Callable[[str], WarmingUp],
    render_metrics: Callable[[], bytes],
    details: Callable[[str], Mapping[str, object]],
    dashboard: Dashboard | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """Return the app; `warming_up` and `details` are asked by market.

    Without a `dashboard` there are the JSON routes only; with `metrics` answers are counted there.
    """
    app = FastAPI(title="Real-time price predictions", docs_url=None, redoc_url=None)
    app.add_exception_handler(NoSuchSymbolError, no_such_symbol)
    if metrics is not None:
        app.add_middleware(Measured, metrics=metrics)

    @app.get("/routes")
    async def index() -> Response:
        """Return which symbols are followed, and what else can be asked."""
        symbols = [url_symbol(symbol) for symbol in board.symbols]
        routes = [f"/predictions/{symbol}" for symbol in symbols]
        routes += ["/health", "/metrics", "/openapi.json"]
        return json_answer({"symbols": symbols, "routes": routes})

    @app.get("/predictions/{symbol}")
    async def predictions(symbol: str) -> Response:
        """Return the newest prediction of each horizon; symbols are written BTC-USDT."""
        unified, market = followed(board, symbol)
        answer = board.answer(unified)
        if answer is None:
            missing = warming_up(market)
            return problem(503, "Warming up", missing.detail, missing=msgspec.to_builtins(missing))
        return Response(answer, media_type=JSON)

    @app.get("/health")
    async def health() -> Response:
        """Return the state of each market; 503 where one is stale."""
        markets = {}
        states = []
        for symbol in board.symbols:
            market = board.market_of(symbol) or symbol
            age = board.age(market)
            state = board.state(market)
            states.append(state)
            markets[url_symbol(symbol)] = {
                "status": state,
                "data_age_ms": None if age is None else age.age_ms,
                **details(market),
            }
        worst = next(
            (s for s in ("stale", "connecting", "ended", "warming up") if s in states), "ok"
        )
        return json_answer({"status": worst, "markets": markets}, 503 if worst == "stale" else 200)

    @app.get("/metrics")
    async def prometheus() -> Response:
        """Return the Prometheus metrics."""
        return Response(render_metrics(), media_type=_PROMETHEUS)

    if dashboard is not None:
        add_dashboard(app, board, dashboard, warming_up=warming_up)
    return app
