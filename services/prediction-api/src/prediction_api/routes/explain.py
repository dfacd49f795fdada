"""The route that tells what a prediction was made of, out of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from msgspec.structs import replace

from marketstream.errors import InputError, StateError
from marketstream.explanation import Explanation, TakeApart, Terms, read_explanation
from marketstream.redaction import hide_passwords
from marketstream.store.port import Store
from prediction_api.routes.answers import json_answer, problem, struct_answers
from prediction_api.routes.leaving import LEFT, ClientLeftError, while_there
from prediction_api.routes.markets import find_market
from prediction_api.views.market_views import MarketViews

_ABOUT = (
    "Return what a prediction was made of: the candle that closed with its book, the features, "
    "what each candidate said and with what weight, what each feature added to its log odds of up, "
    "the model, what came of it, and when what happened. `id` is that of the prediction, as in the "
    "history; `missing` says why something is not there. `contributions` come from the model, in "
    "some seconds where it no longer serves."
)
_ANSWERS = struct_answers(
    Explanation,
    {
        404: "Nobody follows this market, or the store has no prediction of the id",
        503: "The store is out of reach",
    },
)
_AT_ONCE = 2  # what is read of a long past takes a while: others wait
_NO_MODELS = (
    "this API runs without the models: `realtime explain` with this id asks the registry for them"
)


def add_explain_routes(
    app: FastAPI, views: MarketViews, store: Callable[[], Store], take_apart: TakeApart | None
) -> None:
    """Add `/predictions/{venue}/{symbol}/{id}/explain`; without models `take_apart` is None."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(prediction_id: str) -> Explanation | None:
        return read_explanation(store(), prediction_id)

    @app.get(
        "/predictions/{venue}/{symbol}/{id:path}/explain", description=_ABOUT, responses=_ANSWERS
    )
    async def explain(
        request: Request,
        venue: str,
        symbol: str,
        id: str,  # noqa: A002 - in the URL
    ) -> Response:
        symbol, id = _parted(venue, symbol, id)  # noqa: A001
        market = find_market(markets, symbol, venue)
        try:
            async with turns:
                told = await asyncio.to_thread(read, id)
        except InputError as error:
            return problem(404, "No such prediction", str(error))
        if told is None or told.prediction.market != market:
            return problem(
                404, "No such prediction", f"the store has no prediction {id} of {market}"
            )
        try:
            asked = _contributions(told, take_apart)
            found: Mapping[str, Terms] = await while_there(request.receive, asked)
        except ClientLeftError:
            return Response(status_code=LEFT)
        except (InputError, StateError) as error:
            why = {**told.missing, "contributions": hide_passwords(str(error))}
            return json_answer(replace(told, missing=why))
        return json_answer(replace(told, contributions=dict(found)))


async def _contributions(told: Explanation, take_apart: TakeApart | None) -> Mapping[str, Terms]:
    if told.features is None:
        raise InputError("the features are no longer stored")
    if take_apart is None:
        raise InputError(_NO_MODELS)
    return await take_apart(told)


def _parted(venue: str, symbol: str, prediction_id: str) -> tuple[str, str]:
    """Return symbol and id, also where the symbol was BTC%2FUSDT, which arrives with a slash."""
    written = f"{symbol}/{prediction_id}"
    at = written.find(f"/{venue}:")
    return (symbol, prediction_id) if at < 0 else (written[:at], written[at + 1 :])
