"""Binance's public REST API on what the markets have shown so far, with its weights and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from exchange_simulator.market.depth import BOOK_LEVELS, depth_at
from exchange_simulator.market.history import first_trades, latest_trades
from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import INTERVALS_US
from exchange_simulator.serving.port import Answer, Route
from exchange_simulator.venues.binance.exchange_info import exchange_info
from exchange_simulator.venues.binance.frames import MarketFrames
from exchange_simulator.venues.binance.query import ApiError, Query


class Weights(NamedTuple):
    """What a request of each kind weighs."""

    exchange_info: int = 20
    agg_trades: int = 4
    klines: int = 2
    depth: int = 5
    book_ticker: int = 2


class RestApi:
    """The routes of market data."""

    def __init__(
        self, exchange: Exchange, frames: Mapping[str, MarketFrames], weight_per_minute: int
    ) -> None:
        self._exchange = exchange
        self._frames = frames
        self._weight_per_minute = weight_per_minute

    def routes(self, root: str, weights: Weights) -> list[Route]:
        """Return the routes below a root such as `/api/v3`."""
        return [
            Route(f"{root}/ping", 1, self._ping),
            Route(f"{root}/time", 1, self._time),
            Route(f"{root}/exchangeInfo", weights.exchange_info, self._exchange_info),
            Route(f"{root}/aggTrades", weights.agg_trades, self._agg_trades),
            Route(f"{root}/klines", weights.klines, self._klines),
            Route(f"{root}/depth", weights.depth, self._depth),
            Route(f"{root}/ticker/bookTicker", weights.book_ticker, self._book_ticker),
        ]

    async def _ping(self, request: web.Request) -> Answer:
        Query(request, ())
        return Answer(b"{}")

    async def _time(self, request: web.Request) -> Answer:
        unit = Query(request, ()).unit
        return Answer(f'{{"serverTime":{self._exchange.clock_us() // unit}}}'.encode())

    async def _exchange_info(self, request: web.Request) -> Answer:
        query = Query(request, ("symbol", "symbols"))
        markets = query.markets(self._exchange.markets)
        now = self._exchange.now_us() // query.unit
        return Answer(exchange_info(markets, now, self._weight_per_minute))

    async def _agg_trades(self, request: web.Request) -> Answer:
        query = Query(request, ("symbol", "fromId", "startTime", "endTime", "limit"))
        market = query.market(self._exchange.markets)
        first_id, limit = query.number("fromId"), query.limit()
        start_us, end_us = query.time_range(self._exchange.now_us())
        trades: TradeColumns
        if first_id is not None:
            if start_us is not None or "endTime" in query:
                raise ApiError(-1128, "Combination of optional parameters invalid.")
            trades = market.tape.trades_from_id(first_id, limit, end_us)
        elif start_us is not None:
            trades = first_trades(market.tape, limit, max(start_us, market.since_us), end_us)
        else:
            trades = latest_trades(market.tape, limit, end_us, market.since_us)
        shown, trades = self._exchange.page(market, trades, end_us)
        frames = self._frames[shown.wire_symbol]
        return Answer(frames.rest_trades(trades, microseconds=query.microseconds))

    async def _klines(self, request: web.Request) -> Answer:
        query = Query(request, ("symbol", "interval", "startTime", "endTime", "limit"))
        market = query.market(self._exchange.markets)
        interval, limit = query.text("interval"), query.limit()
        if interval not in INTERVALS_US:
            raise ApiError(-1120, "Invalid interval.")
        start_us, end_us = query.time_range(self._exchange.now_us())
        if start_us is not None:
            klines = await self._exchange.first_klines(market, interval, start_us, end_us, limit)
        else:
            klines = await self._exchange.last_klines(market, interval, end_us, limit)
        frames = self._frames[market.wire_symbol]
        return Answer(frames.rest_klines(klines, microseconds=query.microseconds))

    async def _depth(self, request: web.Request) -> Answer:
        query = Query(request, ("symbol", "limit"))
        market = query.market(self._exchange.markets)
        limit = min(query.number("limit") or BOOK_LEVELS, BOOK_LEVELS)
        depth = depth_at(market.tape, self._exchange.now_us(), limit)
        if depth is None:
            return Answer(b'{"lastUpdateId":0,"bids":[],"asks":[]}')
        return Answer(self._frames[market.wire_symbol].rest_depth(depth))

    async def _book_ticker(self, request: web.Request) -> Answer:
        query = Query(request, ("symbol", "symbols"))
        now_us = self._exchange.now_us()
        rows = [
            self._frames[market.wire_symbol].rest_quote(market.tape.quote_at(now_us - 1))
            for market in query.markets(self._exchange.markets)
        ]
        return Answer(rows[0] if "symbol" in query else b"[" + b",".join(rows) + b"]")
