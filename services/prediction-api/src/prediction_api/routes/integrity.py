"""The routes that tell how whole a market is, out of the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query, Response

from marketstream.integrity import Integrity, integrity, range_of
from marketstream.moments import moment_ms
from marketstream.store.port import Store
from prediction_api.routes.answers import answers, json_answer
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import MOMENT
from prediction_api.views.market_views import MarketViews

_ABOUT = f"{MOMENT}; without both the last day is told, and a range is no longer than 31 days"
_AT_ONCE = 2  # a month of candles takes seconds to count: others wait
_ANSWERS = answers(Integrity, {404: "Nobody follows this market", 503: "The store is out of reach"})

_From = Annotated[str | None, Query(alias="from", description=_ABOUT)]
_To = Annotated[str | None, Query(alias="to", description=_ABOUT)]


def add_integrity_routes(app: FastAPI, views: MarketViews, store: Callable[[], Store]) -> None:
    """Add `/integrity`."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(market: str, since: str | None, until: str | None) -> Integrity:
        now_ms = time.time_ns() // 1_000_000
        from_ms = None if since is None else moment_ms(since, now_ms)
        to_ms = None if until is None else moment_ms(until, now_ms)
        opened = store()
        window = range_of(from_ms, to_ms, opened.newest_ms(market), now_ms)
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
    async def by_symbol(symbol: str, since: _From = None, until: _To = None) -> Response:
        return await answer(find_market(markets, symbol), since, until)

    @app.get("/integrity/{venue}/{symbol:path}", description=about, responses=_ANSWERS)
    async def by_venue(venue: str, symbol: str, since: _From = None, until: _To = None) -> Response:
        return await answer(find_market(markets, symbol, venue), since, until)
