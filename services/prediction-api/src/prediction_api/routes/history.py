"""The routes of what was: candles, and predictions with what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request, Response

from marketstream.messages import Candle, MoveTarget, Outcome, Prediction, Verdict
from marketstream.plan import Plan
from marketstream.store.port import Store
from prediction_api.routes.markets import find_market
from prediction_api.routes.pages import Asked, PageAsked, Window, page_answers, page_of
from prediction_api.routes.parameters import (
    BadParameterError,
    Horizons,
    Target,
    asked_horizons_ms,
    asked_move,
    asked_move_horizons_ms,
)
from prediction_api.views.market_views import MarketViews
from prediction_api.views.moves import JudgedMove, judged_move

_ABOUT_CANDLES = (
    "Return candles with their certificates, the oldest first; those that form are left out."
)
_ABOUT_HISTORY = (
    "Return the champion's predictions and what came of them, the oldest first; `verdict` is null "
    "until the moment that a prediction is about. With `target` volatility or range these are the "
    "forecasts of how far the price goes."
)

_Timeframe = Annotated[str | None, Query(description="of the candles, such as 1s")]


class Judged(msgspec.Struct, frozen=True):
    """A prediction and what came of it; `for_ms` is the moment it is about."""

    id: str
    close_time_ms: int
    horizon_ms: int
    made_at_ms: int | None
    for_ms: int
    mid: float
    predicted_price: float
    expected_return: float
    p_up: float
    p_flat: float
    p_down: float
    low: float
    high: float
    level: float
    direction: str
    reason: str | None
    model_name: str
    model_version: str
    late: bool
    verdict: Verdict | None
    realised_mid: float | None
    realised_return: float | None
    inside: bool | None


_OF_CANDLES, _JUDGED = page_answers(Candle), page_answers(Judged, JudgedMove)


def add_history_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/candles` and `/predictions/{symbol}/history`."""
    markets = views.board.markets
    kept = plan.candle_timeframes

    async def candles(
        request: Request, market: str, timeframe: str | None, page: Asked
    ) -> Response:
        wanted = timeframe or plan.timeframe
        if wanted not in kept:
            raise BadParameterError(f"timeframe {wanted} is not kept: {', '.join(kept)} are")

        def read(opened: Store, window: Window) -> Sequence[Candle]:
            found = opened.candles(market, wanted, window.from_ms, window.to_ms)
            return [candle for candle in found if candle.state == "closed"]

        return await page_of(request, Candle, market, wanted, page, store, read)

    async def history(
        request: Request, market: str, horizons: list[str] | None, page: Asked, target: str | None
    ) -> Response:
        move = asked_move(target)
        if move is not None:
            return await moves(request, market, move, asked_move_horizons_ms(plan, horizons), page)
        horizons_ms = asked_horizons_ms(plan, horizons)

        def read(opened: Store, window: Window) -> Sequence[Judged]:
            found = judged(opened, market, plan.timeframe, window)
            return [one for one in found if horizons_ms is None or one.horizon_ms in horizons_ms]

        return await page_of(request, Judged, market, plan.timeframe, page, store, read)

    async def moves(
        request: Request,
        market: str,
        target: MoveTarget,
        horizons_ms: frozenset[int] | None,
        page: Asked,
    ) -> Response:
        def read(opened: Store, window: Window) -> Sequence[JudgedMove]:
            asked = (market, plan.timeframe, window.from_ms, window.to_ms)
            outcomes = {outcome.identity: outcome for outcome in opened.move_outcomes(*asked)}
            return [
                judged_move(one, outcomes.get(one.identity))
                for one in opened.move_forecasts(*asked)
                if one.target == target and (horizons_ms is None or one.horizon_ms in horizons_ms)
            ]

        return await page_of(request, JudgedMove, market, plan.timeframe, page, store, read)

    @app.get("/candles/{symbol}", description=_ABOUT_CANDLES, responses=_OF_CANDLES)
    async def candles_by_symbol(
        request: Request, symbol: str, page: PageAsked, timeframe: _Timeframe = None
    ) -> Response:
        return await candles(request, find_market(markets, symbol), timeframe, page)

    @app.get("/candles/{venue}/{symbol:path}", description=_ABOUT_CANDLES, responses=_OF_CANDLES)
    async def candles_by_venue(
        request: Request, venue: str, symbol: str, page: PageAsked, timeframe: _Timeframe = None
    ) -> Response:
        return await candles(request, find_market(markets, symbol, venue), timeframe, page)

    @app.get("/predictions/{symbol}/history", description=_ABOUT_HISTORY, responses=_JUDGED)
    async def history_by_symbol(
        request: Request,
        symbol: str,
        page: PageAsked,
        horizon: Horizons = None,
        target: Target = None,
    ) -> Response:
        return await history(request, find_market(markets, symbol), horizon, page, target)

    @app.get(
        "/predictions/{venue}/{symbol:path}/history",
        description=_ABOUT_HISTORY,
        responses=_JUDGED,
    )
    async def history_by_venue(
        request: Request,
        venue: str,
        symbol: str,
        page: PageAsked,
        horizon: Horizons = None,
        target: Target = None,
    ) -> Response:
        return await history(request, find_market(markets, symbol, venue), horizon, page, target)


def judged(store: Store, market: str, timeframe: str, window: Window) -> list[Judged]:
    """Return the champion's predictions made at closes in the window, with their outcomes."""
    asked = (market, timeframe, window.from_ms, window.to_ms)
    outcomes = {outcome.identity: outcome for outcome in store.outcomes(*asked)}
    return [
        _judged(prediction, outcomes.get(prediction.identity))
        for prediction in store.predictions(*asked)
        if prediction.role == "champion"
    ]


def _judged(prediction: Prediction, outcome: Outcome | None) -> Judged:
    return Judged(
        id=prediction.id,
        close_time_ms=prediction.close_time_ms,
        horizon_ms=prediction.horizon_ms,
        made_at_ms=prediction.made_at_ms,
        for_ms=prediction.for_ms,
        mid=prediction.mid,
        predicted_price=prediction.predicted_price,
        expected_return=prediction.expected_return,
        p_up=prediction.p_up,
        p_flat=prediction.p_flat,
        p_down=prediction.p_down,
        low=prediction.low,
        high=prediction.high,
        level=prediction.level,
        direction=prediction.direction,
        reason=prediction.reason,
        model_name=prediction.model_name,
        model_version=prediction.model_version,
        late=prediction.late,
        verdict=None if outcome is None else outcome.verdict,
        realised_mid=None if outcome is None else outcome.realised_mid,
        realised_return=None if outcome is None else outcome.realised_return,
        inside=None if outcome is None else outcome.inside,
    )
