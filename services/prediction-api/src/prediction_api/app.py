"""The HTTP routes: predictions, health and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from fastapi import FastAPI, Response

from marketstream.errors import SettingsError
from marketstream.symbols import parse_symbol, url_symbol
from prediction_api.board import PredictionBoard

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class WarmingUp(msgspec.Struct, frozen=True):
    """Why a market has no prediction yet: what is missing, and how far it is."""

    detail: str
    seen_ms: int
    needed_ms: int


def build_app(
    board: PredictionBoard,
    *,
    warming_up: Callable[[str], WarmingUp],
    render_metrics: Callable[[], bytes],
    details: Callable[[str], Mapping[str, object]],
) -> FastAPI:
    """Return the app; `warming_up` and `details` are asked by market."""
    app = FastAPI(title="Real-time price predictions", docs_url=None, redoc_url=None)

    @app.get("/")
    async def index() -> Response:
        routes = [f"/predictions/{url_symbol(symbol)}" for symbol in board.symbols]
        return _json({"routes": [*routes, "/health", "/metrics", "/openapi.json"]})

    @app.get("/predictions/{symbol}")
    async def predictions(symbol: str) -> Response:
        """Return the newest prediction of each horizon; symbols are written BTC-USDT."""
        try:
            unified = parse_symbol(symbol)
        except SettingsError as error:
            return _problem(404, "No such symbol", f"{error}; in a URL like BTC-USDT")
        market = board.market_of(unified)
        if market is None:
            followed = ", ".join(url_symbol(known) for known in board.symbols)
            return _problem(
                404, "No such symbol", f"{unified} is not followed here; there is {followed}"
            )
        answer = board.answer(unified)
        if answer is None:
            missing = warming_up(market)
            return _problem(503, "Warming up", missing.detail, missing=msgspec.to_builtins(missing))
        return Response(answer, media_type=_JSON)

    @app.get("/health")
    async def health() -> Response:
        """Return the state of each market; 503 where one is stale."""
        markets = {}
        states = []
        for symbol in board.symbols:
            market = board.market_of(symbol) or symbol
            age = board.age(market)
            if age is None:
                state = "connecting"
            elif board.stale(market):
                state = "stale"
            else:
                state = "ok" if board.answer(symbol) is not None else "warming up"
            states.append(state)
            markets[url_symbol(symbol)] = {
                "status": state,
                "data_age_ms": None if age is None else age.age_ms,
                **details(market),
            }
        worst = next((s for s in ("stale", "connecting", "warming up") if s in states), "ok")
        return _json({"status": worst, "markets": markets}, 503 if worst == "stale" else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Return the Prometheus metrics."""
        return Response(render_metrics(), media_type=_PROMETHEUS)

    return app


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=_JSON)


def _problem(status: int, title: str, detail: str, **more: object) -> Response:
    """Return problem details as RFC 9457 has them."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return Response(msgspec.json.encode(body), status, headers=headers, media_type=_PROBLEM)
