"""The routes that change who serves, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from loguru import logger

from marketstream.champions import ChampionChanged, ChampionWanted, ChangeChampion
from marketstream.errors import InputError, NotFoundError, StateError
from marketstream.plan import Plan
from marketstream.redaction import hide_passwords
from prediction_api.routes.access import KEY_NAME
from prediction_api.routes.answers import json_answer, problem, struct_answers
from prediction_api.routes.manners import no_such_method
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import asked_horizon_ms
from prediction_api.views.market_views import MarketViews

Horizon = Annotated[str, Query(description="a number of candles, such as 2, or a time, such as 2s")]
Version = Annotated[
    str, Query(description="of the registered model, as /models names it", pattern=r"^\d{1,18}$")
]
Why = Annotated[str, Query(description="what the history says", min_length=1, max_length=200)]

_TAKEN_OVER = "A running predictor takes that over within seconds."
_PROMOTE = (
    "Make a version of the registered model of a market and horizon the champion: it serves, "
    f"whoever did, until the next training brings another. {_TAKEN_OVER}"
)
_ROLL_BACK = f"Make the version champion that was it before the one that serves now. {_TAKEN_OVER}"
_AWAY = "The registry of models is out of reach, or this API runs without it"
_NO_MODEL = "Nobody follows this market, or no such model is registered"
_NO_REGISTRY = (
    "this API runs without the registry of models: where that is, `realtime models promote` and "
    "`rollback` change who serves"
)


def add_champion_routes(
    app: FastAPI, plan: Plan, views: MarketViews, change: ChangeChampion | None
) -> None:
    """Add `/models/…/promote` and `/rollback`; without a registry `change` is None.

    The venue is always named: what changes something is not to guess.
    """

    async def answer(
        request: Request, of: tuple[str, str], horizon: str, version: str | None, why: str
    ) -> Response:
        venue, symbol = of
        market = find_market(views.board.markets, symbol, venue)
        horizon_ms = asked_horizon_ms(plan, horizon)
        if change is None:
            return problem(503, "No registry", _NO_REGISTRY)
        wanted = ChampionWanted(market, plan.timeframe, horizon_ms, version, why)
        try:
            changed = await change(wanted)
        except NotFoundError as error:
            return problem(404, "No such model", str(error))
        except InputError as error:
            return problem(409, "Cannot serve", str(error))
        except StateError as error:
            return problem(503, "No registry", hide_passwords(str(error)))
        logger.info(
            "Champion changed by the API", model=changed.model, champion=changed.champion,
            before=changed.before, why=why, key=request.scope[KEY_NAME],
        )  # fmt: skip
        return json_answer(changed)

    @app.post(
        "/models/{venue}/{symbol:path}/promote",
        description=_PROMOTE,
        responses=struct_answers(
            ChampionChanged, {404: _NO_MODEL, 409: "The version was retired", 503: _AWAY}
        ),
    )
    async def promote(
        request: Request, venue: str, symbol: str, horizon: Horizon, version: Version,
        why: Why = "by hand",
    ) -> Response:  # fmt: skip
        return await answer(request, (venue, symbol), horizon, version, why)

    @app.post(
        "/models/{venue}/{symbol:path}/rollback",
        description=_ROLL_BACK,
        responses=struct_answers(
            ChampionChanged, {404: _NO_MODEL, 409: "No other version was champion", 503: _AWAY}
        ),
    )
    async def roll_back(
        request: Request, venue: str, symbol: str, horizon: Horizon, why: Why = "by hand"
    ) -> Response:
        return await answer(request, (venue, symbol), horizon, None, why)

    for path in ("/models/{venue}/{symbol:path}/promote", "/models/{venue}/{symbol:path}/rollback"):
        app.get(path, include_in_schema=False)(no_such_method)
