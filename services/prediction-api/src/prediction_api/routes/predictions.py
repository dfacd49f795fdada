"""The routes of predictions."""

from __future__ import annotations

from functools import partial

import msgspec
from fastapi import FastAPI, Response

from marketstream.plan import Plan
from prediction_api.quick_answers import RepeatableAnswer
from prediction_api.routes.answers import OF_NOW, answers, json_answer, problem
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import (
    Horizons,
    Target,
    Timeframe,
    asked_horizons_ms,
    asked_move,
    asked_move_horizons_ms,
    check_forecast,
    check_timeframe,
)
from prediction_api.views.market_views import MarketViews
from prediction_api.views.moves import MarketMoves
from prediction_api.views.prediction_view import MarketPredictions
from prediction_api.views.system_state import WarmingUp

_OF_ONE = answers(
    MarketPredictions | MarketMoves,
    {
        300: "Several venues have the symbol: choose one of `choices`",
        404: "Nobody follows this market",
        503: "Warming up: `missing` says what is missing",
    },
)
_ABOUT = (
    "Return the newest prediction of each horizon, and what is proven of them; symbols are written "
    "BTC-USDT. The venue may be left out where only one has the symbol. With `target` volatility "
    "or range it is the newest forecast of how far the price goes, and how good those have been."
)


def add_prediction_routes(app: FastAPI, plan: Plan, views: MarketViews) -> None:
    """Add `/predictions`."""
    board = views.board

    def of_one(
        market: str, horizons: list[str] | None, timeframe: str | None, target: str | None
    ) -> Response:
        check_timeframe(plan, timeframe)
        move = asked_move(target)
        if move is not None:
            asked_ms = asked_move_horizons_ms(plan, horizons)
            how_far = views.overview.how_far(market)
            if how_far is not None and horizons:
                check_forecast(move, asked_ms or (), how_far.bounds_ms)
            moves = views.newest_moves(market, move, asked_ms)
            if moves is not None:
                return json_answer(moves)
            return _warming_up(views.overview.how_far_missing(market, move))
        again = partial(views.newest_json.of, market, asked_horizons_ms(plan, horizons))
        newest = again()
        if newest is None:
            return _warming_up(views.overview.warming_up(market))
        return RepeatableAnswer(newest, again, OF_NOW)

    @app.get("/predictions", responses=answers(dict[str, MarketPredictions | MarketMoves], {}))
    async def of_all(
        horizon: Horizons = None, timeframe: Timeframe = None, target: Target = None
    ) -> Response:
        """Return the newest predictions of all markets that have any, by `venue:SYMBOL`."""
        check_timeframe(plan, timeframe)
        move = asked_move(target)
        if move is not None:
            asked = asked_move_horizons_ms(plan, horizon)
            of_each = {each: views.newest_moves(each, move, asked) for each in board.markets}
            return json_answer({market: moves for market, moves in of_each.items() if moves})
        horizons_ms = asked_horizons_ms(plan, horizon)
        newest = {market: views.newest(market, horizons_ms) for market in board.markets}
        return json_answer({market: known for market, known in newest.items() if known})

    @app.get("/predictions/{symbol}", description=_ABOUT, responses=_OF_ONE)
    async def by_symbol(
        symbol: str,
        horizon: Horizons = None,
        timeframe: Timeframe = None,
        target: Target = None,
    ) -> Response:
        return of_one(find_market(board.markets, symbol), horizon, timeframe, target)

    # A symbol may have been written BTC%2FUSDT, which arrives with a slash.
    @app.get("/predictions/{venue}/{symbol:path}", description=_ABOUT, responses=_OF_ONE)
    async def by_venue(
        venue: str,
        symbol: str,
        horizon: Horizons = None,
        timeframe: Timeframe = None,
        target: Target = None,
    ) -> Response:
        return of_one(find_market(board.markets, symbol, venue), horizon, timeframe, target)


def _warming_up(missing: WarmingUp) -> Response:
    return problem(503, "Warming up", missing.detail, missing=msgspec.to_builtins(missing))
