"""Binance's public REST API on what the markets have shown so far, with its weights and errors."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from exchange_simulator.binance.exchange_info import exchange_info
from exchange_simulator.binance.klines import INTERVALS_US, Kline, end_of, fold, joined, open_of
from exchange_simulator.binance.limits import WeightLimit
from exchange_simulator.binance.query import ApiError, Query
from exchange_simulator.faults.rest import RestFaults
from exchange_simulator.market.history import first_trades, hours, latest_trades
from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.markets import Market

type _Answer = Callable[[web.Request], Awaitable[bytes]]


class RestApi:
    """The routes under `/api/v3`; `now_us` is how far the markets have been seen.

    Nothing at or after `now_us` is ever shown. Klines begin at the market's `klines_since_us`, as
    if it had been listed then.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        now_us: Callable[[], int],
        weight_per_minute: int = 6_000,
        faults: RestFaults | None = None,
    ) -> None:
        self._faults = faults
        self._markets = markets
        self._now_us = now_us
        self._weight_per_minute = weight_per_minute
        self._limits: defaultdict[str | None, WeightLimit] = defaultdict(
            lambda: WeightLimit(weight_per_minute)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of an aiohttp application."""
        answers: list[tuple[str, int, _Answer]] = [
            ("ping", 1, self._ping),
            ("time", 1, self._time),
            ("exchangeInfo", 20, self._exchange_info),
            ("aggTrades", 4, self._agg_trades),
            ("klines", 2, self._klines),
            ("ticker/bookTicker", 2, self._book_ticker),
        ]
        return [
            web.get(f"/api/v3/{path}", self._handler(weight, answer))
            for path, weight, answer in answers
        ]

    def _handler(
        self, weight: int, answer: _Answer
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            limit = self._limits[request.remote]
            refusal = limit.charge(weight, time.time())
            if self._faults is not None and (fault := await self._faults.refused()) is not None:
                return fault
            headers = {"X-MBX-USED-WEIGHT-1M": str(limit.used)}
            status = 200
            try:
                if refusal is not None:
                    headers["Retry-After"] = str(refusal.retry_after_s)
                    raise ApiError.too_many_requests(
                        refusal.status, self._weight_per_minute, refusal.banned_until_s
                    )
                body = await answer(request)
                if self._faults is not None:
                    body = self._faults.spoilt(body)
            except ApiError as error:
                status, body = error.status, error.body
            return web.Response(
                status=status, body=body, headers=headers, content_type="application/json"
            )

        return handle

    async def _ping(self, request: web.Request) -> bytes:
        Query(request, ())
        return b"{}"

    async def _time(self, request: web.Request) -> bytes:
        unit = Query(request, ()).unit
        skew_us = 0 if self._faults is None else self._faults.skew_us()
        return f'{{"serverTime":{(self._now_us() + skew_us) // unit}}}'.encode()

    async def _exchange_info(self, request: web.Request) -> bytes:
        query = Query(request, ("symbol", "symbols"))
        markets = query.markets(self._markets)
        return exchange_info(markets, self._now_us() // query.unit, self._weight_per_minute)

    async def _agg_trades(self, request: web.Request) -> bytes:
        query = Query(request, ("symbol", "fromId", "startTime", "endTime", "limit"))
        market = query.market(self._markets)
        first_id, limit = query.number("fromId"), query.limit()
        start_us, end_us = query.time_range(self._now_us())
        trades: TradeColumns
        if first_id is not None:
            if start_us is not None or "endTime" in query:
                raise ApiError(-1128, "Combination of optional parameters invalid.")
            trades = market.tape.trades_from_id(first_id, limit, end_us)
        elif start_us is not None:
            trades = first_trades(market.tape, limit, max(start_us, market.since_us), end_us)
        else:
            trades = latest_trades(market.tape, limit, end_us, market.since_us)
        page = market.frames.rest_trades(trades, microseconds=query.microseconds)
        return page if self._faults is None else self._faults.page(page, market, end_us)

    async def _klines(self, request: web.Request) -> bytes:
        query = Query(request, ("symbol", "interval", "startTime", "endTime", "limit"))
        market = query.market(self._markets)
        interval, limit = query.text("interval"), query.limit()
        if interval not in INTERVALS_US:
            raise ApiError(-1120, "Invalid interval.")
        now_us = self._now_us()
        start_us, end_us = query.time_range(now_us)
        since_us = open_of(market.klines_since_us, interval)
        reach_us = limit * INTERVALS_US[interval]
        if start_us is not None:
            from_us = max(start_us, since_us)
            to_us = min(end_us, end_of(open_of(from_us, interval), interval) + reach_us)
            klines = (await _folded(market, interval, from_us, to_us, now_us))[:limit]
        else:
            from_us = max(end_us - reach_us, since_us)
            klines = (await _folded(market, interval, from_us, end_us, now_us))[-limit:]
        return market.frames.rest_klines(klines, microseconds=query.microseconds)

    async def _book_ticker(self, request: web.Request) -> bytes:
        query = Query(request, ("symbol", "symbols"))
        now_us = self._now_us()
        rows = [
            market.frames.rest_quote(market.tape.quote_at(now_us - 1))
            for market in query.markets(self._markets)
        ]
        return rows[0] if "symbol" in query else b"[" + b",".join(rows) + b"]"


async def _folded(
    market: Market, interval: str, from_us: int, to_us: int, now_us: int
) -> list[Kline]:
    """Return the klines that open in `[from_us, to_us)`, from trades before `now_us` only."""
    if from_us >= to_us:
        return []
    last_end_us = end_of(open_of(to_us - 1, interval), interval)
    parts: list[Kline] = []
    for start_us, end_us in hours(max(from_us, market.klines_since_us), min(last_end_us, now_us)):
        parts += fold(market.tape.trades(start_us, end_us), interval)
        await asyncio.sleep(0)  # the streams go on between two hours
    before = latest_trades(market.tape, 1, from_us, market.klines_since_us).price
    return joined(parts, int(before[-1]) if len(before) else None, from_us, to_us, interval)
