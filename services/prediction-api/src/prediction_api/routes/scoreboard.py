"""The routes that tell how good predictions have been, beside what needs no skill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Response

from marketstream.plan import Plan
from marketstream.score_windows import RollingScores, rolling_scores
from marketstream.store.port import EVER_MS, Store
from prediction_api.routes.answers import json_answer, struct_answers
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import Horizons, asked_horizons_ms
from prediction_api.views.market_views import MarketViews
from prediction_api.views.status_lines import HorizonStatus, standing

_AT_ONCE = 2  # a month of sums takes a tenth of a second: others wait
_ABOUT = (
    "Return how good what was served has been, and each candidate, in the last hour, day and week "
    "and in all that is stored: accuracy by the mid and by the last price, losses, calibration, "
    "and what following it would have earned, gross and net. `control` is a coin, which has to be "
    "right in half of all moves."
)
_ANSWERS = struct_answers(
    RollingScores, {404: "Nobody follows this market", 503: "The store is out of reach"}
)

_Fee = Annotated[
    float,
    Query(
        ge=0,
        le=1_000,
        allow_inf_nan=False,
        description="what a position pays beside the spread, in bp",
    ),
]
_By = Annotated[
    Literal["candidate", "version"],
    Query(description="whether versions of a candidate are one or each for itself"),
]


def add_scoreboard_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/scoreboard`, and those of a market."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(market: str, horizons_ms: frozenset[int], fee_bps: float, by: str) -> RollingScores:
        stretches = store().score_sums(market, plan.timeframe, 0, EVER_MS)
        return rolling_scores(
            market, plan.timeframe, stretches, horizons_ms,
            fee_bps=fee_bps, by_version=by == "version",
        )  # fmt: skip

    async def answer(market: str, horizons: list[str] | None, fee_bps: float, by: str) -> Response:
        asked = asked_horizons_ms(plan, horizons)
        horizons_ms = frozenset(plan.horizons_ms) if asked is None else asked
        async with turns:
            told = await asyncio.to_thread(read, market, horizons_ms, fee_bps, by)
        return json_answer(told)

    @app.get("/scoreboard/{symbol}", description=_ABOUT, responses=_ANSWERS)
    async def by_symbol(
        symbol: str, horizon: Horizons = None, fee_bps: _Fee = 0.0, by: _By = "candidate"
    ) -> Response:
        return await answer(find_market(markets, symbol), horizon, fee_bps, by)

    @app.get("/scoreboard/{venue}/{symbol:path}", description=_ABOUT, responses=_ANSWERS)
    async def by_venue(
        venue: str, symbol: str, horizon: Horizons = None, fee_bps: _Fee = 0.0,
        by: _By = "candidate",
    ) -> Response:  # fmt: skip
        return await answer(find_market(markets, symbol, venue), horizon, fee_bps, by)

    @app.get("/scoreboard", responses=struct_answers(dict[str, list[HorizonStatus]], {}))
    async def scoreboard(horizon: Horizons = None) -> Response:
        """Return by `venue:SYMBOL` how good the predictions of each horizon have been.

        The accuracy is of the newest 10,000, where the price moved and the model did not abstain,
        with its 95 % interval, beside baselines and reference models on the same rows. `proof` is
        what all outcomes prove, whenever it is asked: its `verdict`, and the evidence against each
        rival. `candidates` has the log loss of each that speaks in the average, on the newest
        10,000 moves, beside what was `served`; `ahead` is by how much it is less on the same rows.
        `reliability` holds how often the price went up where about as much was said, `on_paper`
        what a position in each direction said would have earned in basis points, less the spread,
        before fees.
        """
        asked = asked_horizons_ms(plan, horizon)
        horizons_ms = [each for each in plan.horizons_ms if asked is None or each in asked]
        standings = {}
        for market in views.board.markets:
            models = views.overview.system(market).models
            standings[market] = await standing(views, market, horizons_ms, models)
        return json_answer(standings)
