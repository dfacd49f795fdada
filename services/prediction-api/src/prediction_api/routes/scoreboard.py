"""The route that tells how good predictions have been, beside what needs no skill."""

from __future__ import annotations

from fastapi import FastAPI, Response

from marketstream.plan import Plan
from prediction_api.routes.answers import json_answer, struct_answers
from prediction_api.routes.parameters import Horizons, asked_horizons_ms
from prediction_api.views.market_views import MarketViews
from prediction_api.views.status_lines import HorizonStatus, standing


def add_scoreboard_routes(app: FastAPI, plan: Plan, views: MarketViews) -> None:
    """Add `/scoreboard`."""

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
