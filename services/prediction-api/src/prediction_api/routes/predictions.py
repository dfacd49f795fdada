"""The routes of predictions, and the list of what can be asked."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Response

from marketstream.symbols import split_market
from prediction_api.routes.answers import JSON, json_answer, problem
from prediction_api.routes.markets import add_market_route, market_path, short_paths
from prediction_api.views.market_views import MarketViews


def add_prediction_routes(app: FastAPI, views: MarketViews) -> None:
    """Add `/routes` and `/predictions`."""
    markets = views.board.markets

    @app.get("/routes")
    async def index() -> Response:
        """Return which markets are followed, and what else can be asked."""
        followed = [
            {"market": market, "venue": venue, "symbol": symbol, "path": market_path(market)}
            for market in markets
            for venue, symbol in (split_market(market),)
        ]
        short = short_paths(markets)
        paths = dict.fromkeys(path for m in markets for path in (short[m], market_path(m)))
        routes = [f"/{name}/{path}" for name in ("predictions", "integrity") for path in paths]
        routes += ["/health", "/metrics", "/openapi.json"]
        return json_answer({"markets": followed, "routes": routes})

    async def predictions(market: str) -> Response:
        """Return the newest prediction of each horizon; symbols are written BTC-USDT."""
        answer = views.board.answer(market)
        if answer is None:
            missing = views.overview.warming_up(market)
            return problem(503, "Warming up", missing.detail, missing=msgspec.to_builtins(missing))
        return Response(answer, media_type=JSON)

    add_market_route(app, "predictions", markets, predictions)
