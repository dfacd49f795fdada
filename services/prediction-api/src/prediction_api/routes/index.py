"""The routes that tell what can be asked: the markets, the other routes, and the version."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI, Response

from marketstream.symbols import split_market
from prediction_api.routes.answers import answers, json_answer
from prediction_api.routes.markets import market_path, short_paths
from prediction_api.views.market_views import MarketViews

_OF_A_MARKET = ("predictions", "candles", "indicators", "models", "integrity", "scoreboard")
_OF_ITS_PREDICTIONS = ("history", "accuracy")
_CHANGING = ("promote", "rollback")


def add_index_routes(app: FastAPI, views: MarketViews) -> None:
    """Add `/routes`, `/symbols` and `/version`."""
    board = views.board

    @app.get("/routes", responses=answers(dict[str, list[object]], {}))
    async def routes() -> Response:
        """Return which markets are followed, and what else there is.

        `routes` are asked by GET, `streams` too, which do not end; `posts` take an admin key.
        """
        short = short_paths(board.markets)
        paths = dict.fromkeys(path for m in board.markets for path in (short[m], market_path(m)))
        of_markets = [f"/{name}/{path}" for name in _OF_A_MARKET for path in paths]
        of_markets += [f"/predictions/{path}/{n}" for path in paths for n in _OF_ITS_PREDICTIONS]
        others = [
            "/predictions", "/scoreboard", "/symbols", "/udf/config", "/config", "/version",
            "/health", "/live", "/ready", "/metrics", "/openapi.json",
        ]  # fmt: skip
        streams = [f"/predictions/{path}/stream" for path in paths]
        posts = [f"/models/{market_path(m)}/{how}" for m in board.markets for how in _CHANGING]
        markets = [_named(market) for market in board.markets]
        routes = of_markets + others
        told = {"markets": markets, "routes": routes, "streams": streams, "posts": posts}
        return json_answer(told)

    @app.get("/symbols", responses=answers(list[dict[str, str]], {}))
    async def symbols() -> Response:
        """Return which markets are followed, how each is written in URLs, and its state."""
        followed = [{**_named(market), "state": board.state(market)} for market in board.markets]
        return json_answer(followed)

    @app.get("/version", responses=answers(dict[str, str], {}))
    async def versions() -> Response:
        """Return the version of the API."""
        return json_answer({"name": "prediction-api", "version": version("prediction-api")})


def _named(market: str) -> dict[str, str]:
    venue, symbol = split_market(market)
    return {"market": market, "venue": venue, "symbol": symbol, "path": market_path(market)}
