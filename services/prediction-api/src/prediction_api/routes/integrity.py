"""The routes that tell how whole a market is, out of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import FastAPI, Response

from marketstream.integrity import Integrity, integrity
from marketstream.store.port import Store
from prediction_api.routes.answers import answers, json_answer
from prediction_api.routes.markets import find_market
from prediction_api.routes.ranges import From, To, asked_range
from prediction_api.views.market_views import MarketViews

_AT_ONCE = 2  # a month of candles takes seconds to count: others wait
_ANSWERS = answers(Integrity, {404: "Nobody follows this market", 503: "The store is out of reach"})


def add_integrity_routes(app: FastAPI, views: MarketViews, store: Callable[[], Store]) -> None:
    """Add `/integrity`."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(market: str, since: str | None, until: str | None) -> Integrity:
        opened = store()
        window = asked_range(opened, market, since, until)
        ledger = opened.ledger(market, *window)
        return integrity(market, *window, ledger, views.overview.mending(market))

    async def answer(market: str, since: str | None, until: str | None) -> Response:
        async with turns:
            return json_answer(await asyncio.to_thread(read, market, since, until))

    about = (
        "Return how whole a market is over a range of time: the ids seen, gaps and what became of "
        "them, stalls, candles by certificate, and how they compare with the exchange's own."
    )

    @app.get("/integrity/{symbol}", description=about, responses=_ANSWERS)
    async def by_symbol(symbol: str, since: From = None, until: To = None) -> Response:
        return await answer(find_market(markets, symbol), since, until)

    @app.get("/integrity/{venue}/{symbol:path}", description=about, responses=_ANSWERS)
    async def by_venue(venue: str, symbol: str, since: From = None, until: To = None) -> Response:
        return await answer(find_market(markets, symbol, venue), since, until)
