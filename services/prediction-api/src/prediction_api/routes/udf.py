"""The routes of TradingView's UDF, by which its charts and others read candles as they are.

The protocol: https://www.tradingview.com/charting-library-docs/latest/connecting_data/UDF
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.store.port import Store
from marketstream.symbols import split_market
from prediction_api.routes.answers import answers, json_answer, problem, text_answers
from prediction_api.routes.markets import NoSuchMarketError, SeveralMarketsError, find_market
from prediction_api.views.bars import Resolution, bars_of, decimals_of, newest, resolutions
from prediction_api.views.market_views import MarketViews

_MOST_CANDLES = 20_000  # that are read for an answer
_LOOKED_AT = 50  # candles, for the decimals of prices
_FOUND = 30
_KINDS = (("All", ""), ("Crypto", "crypto"))

_OF_A_SYMBOL = answers(
    dict[str, object], {404: "Nobody follows this market", 503: "The store is out of reach"}
)
_Seconds = Annotated[int, Query(ge=0, le=10**11)]


def add_udf_routes(
    app: FastAPI, plan: Plan, views: MarketViews, store: Callable[[], Store]
) -> None:
    """Add `/udf/config`, `/udf/symbols`, `/udf/search`, `/udf/history` and `/udf/time`."""
    markets = views.board.markets
    known = resolutions(plan.candle_timeframes)

    @app.get("/udf/config", responses=answers(dict[str, object], {}))
    async def config() -> Response:
        """Return what can be asked here: how long bars are, and of which venues."""
        venues = dict.fromkeys(split_market(market)[0] for market in markets)
        every = [{"value": "", "name": "All", "desc": ""}]
        return json_answer(
            {
                "supported_resolutions": list(known),
                "supports_search": True,
                "supports_group_request": False,
                "supports_marks": False,
                "supports_timescale_marks": False,
                "supports_time": True,
                "exchanges": every + [{"value": v, "name": v, "desc": v} for v in venues],
                "symbols_types": [{"name": name, "value": value} for name, value in _KINDS],
            }
        )  # fmt: skip

    @app.get("/udf/time", **text_answers("text/plain", {}))
    async def server_time() -> Response:
        """Return the time in seconds since 1970."""
        return Response(str(int(time.time())), media_type="text/plain; charset=utf-8")

    @app.get("/udf/search", responses=answers(list[dict[str, str]], {}))
    async def search(
        query: str = "",
        kind: Annotated[str, Query(alias="type")] = "",
        exchange: str = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = _FOUND,
    ) -> Response:
        """Return the markets whose name has the query in it."""
        wanted = query.upper()
        found = [
            _found(market)
            for market in markets
            if wanted in market.upper()
            and exchange in ("", split_market(market)[0])
            and kind in ("", "crypto")
        ]
        return json_answer(found[:limit])

    @app.get("/udf/symbols", responses=_OF_A_SYMBOL)
    async def symbol_info(symbol: str) -> Response:
        """Return what a chart has to know of a market."""
        try:
            market = _market(symbol)
        except (NoSuchMarketError, SeveralMarketsError) as error:
            return _error(404, str(error))
        candles = await asyncio.to_thread(
            lambda: store().last_candles(market, plan.timeframe, _LOOKED_AT)
        )
        return json_answer(_info(market, list(known), decimals_of(candles)))

    @app.get("/udf/history", responses=_OF_A_SYMBOL)
    async def history(
        symbol: str,
        resolution: str,
        until: Annotated[
            _Seconds, Query(alias="to", description="s since 1970, which is not in it")
        ],
        since: Annotated[_Seconds, Query(alias="from", description="s since 1970")] = 0,
        countback: Annotated[
            int | None, Query(ge=1, description="so many bars, whatever `from` says")
        ] = None,
    ) -> Response:
        """Return the bars of a market that open before `to`, as columns.

        Where there are none, `nextTime` is when the newest bar before `from` opens.
        """
        wanted = known.get("1D" if resolution == "D" else resolution)
        if wanted is None:
            return _error(422, f"resolution {resolution}: there is {', '.join(known)}")
        try:
            market = _market(symbol)
        except (NoSuchMarketError, SeveralMarketsError) as error:
            return _error(404, str(error))
        body = await asyncio.to_thread(_history, store, market, wanted, since, until, countback)
        return json_answer(body)

    def _market(symbol: str) -> str:
        venue, separator, rest = symbol.partition(":")
        if separator and venue in {split_market(market)[0] for market in markets}:
            return find_market(markets, rest, venue)
        return find_market(markets, symbol)


def _history(
    store: Callable[[], Store],
    market: str,
    resolution: Resolution,
    since_s: int,
    until_s: int,
    countback: int | None,
) -> object:
    opened, length_ms, timeframe = store(), resolution.length_ms, resolution.timeframe
    until_ms = -(-until_s * 1_000 // length_ms) * length_ms
    most = _MOST_CANDLES // resolution.candles
    asked = -(-(until_ms - since_s * 1_000) // length_ms) if countback is None else countback
    count = max(1, min(asked, most))
    if countback is None:
        from_ms = max(since_s * 1_000 // length_ms * length_ms, until_ms - count * length_ms)
        candles = opened.candles(market, timeframe, from_ms, until_ms)
    else:  # however many holes there are in them
        candles = opened.last_candles(market, timeframe, (count + 1) * resolution.candles, until_ms)
    bars = newest(bars_of(filter(_is_closed, candles), length_ms), count)
    if bars.t:
        return bars
    before: dict[str, Any] = {"s": "no_data"}
    last = opened.last_candles(market, timeframe, 1, since_s * 1_000)
    if last:
        before["nextTime"] = last[0].open_time_ms // length_ms * length_ms // 1_000
    return before


def _is_closed(candle: Candle) -> bool:
    return candle.state == "closed"


def _found(market: str) -> dict[str, str]:
    venue, symbol = split_market(market)
    return {
        "symbol": symbol, "full_name": market, "ticker": market, "exchange": venue,
        "description": f"{symbol} on {venue}", "type": "crypto",
    }  # fmt: skip


def _info(market: str, names: list[str], decimals: int) -> dict[str, object]:
    venue, symbol = split_market(market)
    return {
        "name": symbol,
        "full_name": market,
        "ticker": market,
        "description": f"{symbol} on {venue}",
        "type": "crypto",
        "session": "24x7",
        "timezone": "Etc/UTC",
        "exchange": venue,
        "listed_exchange": venue,
        "exchange-listed": venue,
        "exchange-traded": venue,
        "format": "price",
        "minmov": 1,
        "minmovement": 1,
        "minmov2": 0,
        "pricescale": 10**decimals,
        "has_intraday": True,
        "has_seconds": any(name.endswith("S") for name in names),
        "seconds_multipliers": [name[:-1] for name in names if name.endswith("S")],
        "intraday_multipliers": [name for name in names if name.isdecimal()],
        "has_daily": "1D" in names,
        "has_weekly_and_monthly": False,
        "supported_resolutions": names,
        "volume_precision": 8,
        "data_status": "streaming",
    }


def _error(status: int, message: str) -> Response:
    """Answer as the protocol does, and as all other routes do."""
    return problem(status, "Not to be had", message, s="error", errmsg=message)
