"""The routes that tell which models served, when, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import FastAPI, Response

from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.track_record import ModelRecord, read_track_records
from prediction_api.routes.answers import answers, json_answer
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import Horizons, asked_horizons_ms
from prediction_api.routes.ranges import From, To, asked_range
from prediction_api.views.market_views import MarketViews

_AT_ONCE = 2  # a month of outcomes takes seconds to count: others wait
_ABOUT = (
    "Return each version of a model that was trained or served in a range of time: of how many "
    "rows, the log losses of its training's candidates, when it served, and how often it was right."
)
_ANSWERS = answers(
    list[ModelRecord],
    {404: "Nobody follows this market", 503: "The store is out of reach"},
)


def add_model_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/models`."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(market: str, since: str | None, until: str | None) -> list[ModelRecord]:
        opened = store()
        window = asked_range(opened, market, since, until)
        return read_track_records(opened, market, *window)

    async def answer(
        market: str, since: str | None, until: str | None, horizons: list[str] | None
    ) -> Response:
        horizons_ms = asked_horizons_ms(plan, horizons)
        async with turns:
            found = await asyncio.to_thread(read, market, since, until)
        return json_answer(
            [one for one in found if horizons_ms is None or one.horizon_ms in horizons_ms]
        )

    @app.get("/models/{symbol}", description=_ABOUT, responses=_ANSWERS)
    async def by_symbol(
        symbol: str, since: From = None, until: To = None, horizon: Horizons = None
    ) -> Response:
        return await answer(find_market(markets, symbol), since, until, horizon)

    @app.get("/models/{venue}/{symbol:path}", description=_ABOUT, responses=_ANSWERS)
    async def by_venue(
        venue: str, symbol: str, since: From = None, until: To = None, horizon: Horizons = None
    ) -> Response:
        return await answer(find_market(markets, symbol, venue), since, until, horizon)
