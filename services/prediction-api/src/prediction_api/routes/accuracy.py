"""The routes that tell how accuracy has changed with time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from fastapi import Depends, FastAPI, Query, Response

from marketstream.accuracy import AccuracyOfStretch, read_accuracy
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.timeframes import duration_ms
from prediction_api.routes.answers import answers, json_answer
from prediction_api.routes.markets import find_market
from prediction_api.routes.parameters import BadParameterError, Horizons, asked_horizons_ms
from prediction_api.routes.ranges import From, To, asked_range
from prediction_api.views.market_views import MarketViews

_AT_ONCE = 2  # a month of outcomes takes seconds to count: others wait
_MOST = 500  # stretches of an answer
_USUAL = ("1m", "5m", "15m", "1h", "6h", "1d")
_USUAL_MOST = 48
_ABOUT = (
    "Return how often predictions were right, by stretches of time that hold outcomes: of which "
    "rows, with the 95 % interval, how often prices ended within the bounds, and which versions "
    "served."
)

_Every = Annotated[
    str | None,
    Query(
        description=f"how long a stretch is, such as 15m; at most {_MOST} fit into the range. "
        f"Without it the first of {', '.join(_USUAL)} that gives no more than {_USUAL_MOST}",
        examples=["15m"],
    ),
]


class Asked(NamedTuple):
    """What was asked for, as people write it."""

    since: str | None
    until: str | None
    every: str | None
    horizons: list[str] | None


def asked_over_time(
    since: From = None, until: To = None, every: _Every = None, horizon: Horizons = None
) -> Asked:
    """Return which stretches a URL asks for."""
    return Asked(since, until, every, horizon)


type _OverTimeAsked = Annotated[Asked, Depends(asked_over_time)]


@dataclass(frozen=True, slots=True)
class AccuracyOverTime:
    """The accuracy of a market's predictions in `[from_ms, to_ms)`, each `every_ms`."""

    market: str
    timeframe: str
    from_ms: int
    to_ms: int
    every_ms: int
    stretches: list[AccuracyOfStretch]


_ANSWERS = answers(
    AccuracyOverTime, {404: "Nobody follows this market", 503: "The store is out of reach"}
)


def add_accuracy_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/predictions/{symbol}/accuracy`."""
    markets = views.board.markets
    turns = asyncio.Semaphore(_AT_ONCE)

    def read(market: str, asked: Asked) -> AccuracyOverTime:
        opened = store()
        window = asked_range(opened, market, asked.since, asked.until)
        every_ms = _every_ms(asked.every, window[1] - window[0])
        found = read_accuracy(opened, market, plan.timeframe, *window, every_ms)
        return AccuracyOverTime(market, plan.timeframe, *window, every_ms, found)

    async def answer(market: str, asked: Asked) -> Response:
        horizons_ms = asked_horizons_ms(plan, asked.horizons)
        async with turns:
            told = await asyncio.to_thread(read, market, asked)
        if horizons_ms is not None:
            told.stretches[:] = [one for one in told.stretches if one.horizon_ms in horizons_ms]
        return json_answer(told)

    @app.get("/predictions/{symbol}/accuracy", description=_ABOUT, responses=_ANSWERS)
    async def by_symbol(symbol: str, asked: _OverTimeAsked) -> Response:
        return await answer(find_market(markets, symbol), asked)

    @app.get("/predictions/{venue}/{symbol:path}/accuracy", description=_ABOUT, responses=_ANSWERS)
    async def by_venue(venue: str, symbol: str, asked: _OverTimeAsked) -> Response:
        return await answer(find_market(markets, symbol, venue), asked)


def _every_ms(every: str | None, range_ms: int) -> int:
    """Return how long a stretch is; raises BadParameterError where there would be too many."""
    if every is None:
        usual = [duration_ms(one) for one in _USUAL]
        return next((one for one in usual if range_ms <= one * _USUAL_MOST), usual[-1])
    every_ms = duration_ms(every)
    if range_ms > _MOST * every_ms:
        raise BadParameterError(
            f"every {every} makes more than {_MOST} of this range: ask for longer ones"
        )
    return every_ms
