"""The routes of what models are given: the indicators as of each close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request, Response

from marketstream.messages import Features
from marketstream.plan import Plan
from marketstream.store.port import Store
from prediction_api.routes.markets import find_market
from prediction_api.routes.pages import Asked, PageAsked, Window, page_answers, page_of
from prediction_api.routes.parameters import BadParameterError
from prediction_api.views.market_views import MarketViews

_ABOUT = (
    "Return the indicators and features in use as of each close of the timeframe that is "
    "predicted, the oldest first, null while they warm up. As CSV each is a column."
)

_Names = Annotated[
    list[str] | None,
    Query(alias="name", description="only this one; may be repeated", examples=[["rsi_14"]]),
]


class IndicatorsAt(msgspec.Struct, frozen=True):
    """The values as of a close, by name; `feature_set` says how they were configured.

    They are `complete` where no trade of the candle is missing.
    """

    close_time_ms: int
    close: float
    complete: bool
    feature_set: str
    values: dict[str, float | None]


_PAGES = page_answers(IndicatorsAt)


def add_indicator_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/indicators`."""
    markets = views.board.markets

    async def answer(
        request: Request, market: str, names: Sequence[str] | None, page: Asked
    ) -> Response:
        def read(opened: Store, window: Window) -> Sequence[IndicatorsAt]:
            found = opened.features(market, plan.timeframe, window.from_ms, window.to_ms)
            if names is not None and found:
                _check_names(names, found)
            return [_at(one, names) for one in found]

        return await page_of(request, IndicatorsAt, market, plan.timeframe, page, store, read)

    @app.get("/indicators/{symbol}", description=_ABOUT, responses=_PAGES)
    async def by_symbol(
        request: Request, symbol: str, page: PageAsked, names: _Names = None
    ) -> Response:
        return await answer(request, find_market(markets, symbol), names, page)

    @app.get("/indicators/{venue}/{symbol:path}", description=_ABOUT, responses=_PAGES)
    async def by_venue(
        request: Request, venue: str, symbol: str, page: PageAsked, names: _Names = None
    ) -> Response:
        return await answer(request, find_market(markets, symbol, venue), names, page)


def _at(features: Features, names: Sequence[str] | None) -> IndicatorsAt:
    values = features.values
    if names is not None:
        values = {name: values.get(name) for name in names}
    return IndicatorsAt(
        features.close_time_ms, features.close, features.complete, features.feature_set, values
    )


def _check_names(names: Sequence[str], found: Sequence[Features]) -> None:
    """Refuse a name that nothing of what was found has; raises BadParameterError."""
    known = {name for features in found for name in features.values}
    for name in names:
        if name not in known:
            raise BadParameterError(f"no indicator {name}: there is {', '.join(sorted(known))}")
