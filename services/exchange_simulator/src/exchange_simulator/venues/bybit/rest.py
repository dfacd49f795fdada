"""Bybit's market data by REST (v5): refusals come with status 200, rows newest first.

https://bybit-exchange.github.io/docs/v5/market/recent-trade, …/kline, …/orderbook, …/instrument
"""

from __future__ import annotations

from aiohttp import web

from exchange_simulator.market.columns import chosen
from exchange_simulator.market.depth import Depth, depth_at
from exchange_simulator.market.history import latest_trades
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import INTERVALS_US, Kline
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Answer, RefusedError, Route
from exchange_simulator.serving.rows import trade_rows
from exchange_simulator.serving.session import dump
from exchange_simulator.venues.bybit.frames import TradeId, rest_book
from exchanges.bybit import wire

_MOST_LEVELS = 200
_INTERVALS = {said: interval for interval, said in wire.INTERVALS.items()}


def refused(code: int, message: str) -> RefusedError:
    """Return an answer that says what is wrong."""
    body = {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 0}
    return RefusedError(200, dump(body).encode())


class RestApi:
    """The routes of market data of one category."""

    def __init__(self, exchange: Exchange, category: wire.Category, trade_id: TradeId) -> None:
        self._exchange = exchange
        self._category = category
        self._trade_id = trade_id

    def routes(self) -> list[Route]:
        """Return them."""
        return [
            Route("/v5/market/time", 1, self._time),
            Route("/v5/market/instruments-info", 1, self._instruments),
            Route("/v5/market/recent-trade", 1, self._trades),
            Route("/v5/market/kline", 1, self._klines),
            Route("/v5/market/orderbook", 1, self._book),
        ]

    async def _time(self, request: web.Request) -> Answer:
        del request
        time_us = self._exchange.clock_us()
        return self._result(
            f'{{"timeSecond":"{time_us // 1_000_000}","timeNano":"{time_us * 1_000}"}}'
        )

    async def _instruments(self, request: web.Request) -> Answer:
        if "symbol" in request.query:
            markets = [self._market(request)]
        elif request.query.get("category") == self._category.name:
            markets = list(self._exchange.markets.values())
        else:
            markets = []  # another category has no markets here
        rows = [self._instrument(market) for market in markets]
        return self._result(dump({"category": self._category.name, "list": rows}))

    async def _trades(self, request: web.Request) -> Answer:
        market = self._market(request)
        limit = _number(request, "limit") or self._category.most_trades
        limit = min(limit, self._category.most_trades)
        now_us = self._exchange.now_us()
        trades = chosen(
            latest_trades(market.tape, limit, now_us, market.since_us), slice(None, None, -1)
        )
        shown, trades = self._exchange.page(market, trades, now_us)
        rows = ",".join(
            f'{{"execId":"{self._trade_id(shown.wire_symbol, trade.id)}",'
            f'"symbol":"{shown.wire_symbol}","price":"{trade.price}","size":"{trade.quantity}",'
            f'"side":"{"Buy" if trade.buys else "Sell"}","time":"{trade.time_us // 1_000}",'
            f'"isBlockTrade":false,"seq":"{trade.sequence}"}}'
            for trade in trade_rows(shown, trades)
        )
        return self._result(f'{{"category":"{self._category.name}","list":[{rows}]}}')

    async def _klines(self, request: web.Request) -> Answer:
        market = self._market(request)
        interval = _INTERVALS.get(request.query.get("interval", ""))
        if interval is None:
            raise refused(wire.BAD_PARAMETER, "Invalid period!")
        limit = min(_number(request, "limit") or wire.MOST_KLINES, 1_000)
        start_ms, end_ms = _number(request, "start"), _number(request, "end")
        now_us = self._exchange.now_us()
        before_us = now_us if end_ms is None else min(now_us, end_ms * 1_000 + 1)
        klines = await self._exchange.last_klines(market, interval, before_us, limit)
        if start_ms is not None:
            reach_us = limit * INTERVALS_US[interval]
            if before_us - start_ms * 1_000 <= reach_us:
                klines = [kline for kline in klines if kline.open_us >= start_ms * 1_000]
        rows = ",".join(_row(market, kline) for kline in reversed(klines))
        symbol, category = market.wire_symbol, self._category.name
        return self._result(f'{{"category":"{category}","symbol":"{symbol}","list":[{rows}]}}')

    async def _book(self, request: web.Request) -> Answer:
        market, now_us = self._market(request), self._exchange.now_us()
        limit = min(_number(request, "limit") or 1, _MOST_LEVELS)
        depth = depth_at(market.tape, now_us, limit)
        if depth is None:
            depth = Depth(0, now_us, (), ())
        return self._result(rest_book(market, depth))

    def _market(self, request: web.Request) -> Market:
        if request.query.get("category") != self._category.name:
            raise refused(wire.BAD_PARAMETER, "params error: Category is invalid")
        symbol = request.query.get("symbol", "")
        market = self._exchange.markets.get(symbol)
        if market is None:
            raise refused(wire.BAD_PARAMETER, f"params error: symbol invalid {symbol:.30}")
        return market

    def _instrument(self, market: Market) -> dict[str, object]:
        pair, _, settled_in = market.tape.symbol.partition(":")
        base, _, quote = pair.partition("/")
        tick, lot = market.price(1), market.quantity(1)
        kind = {"contractType": "LinearPerpetual", "settleCoin": settled_in} if settled_in else {}
        return {
            "symbol": market.wire_symbol,
            **kind,
            "baseCoin": base,
            "quoteCoin": quote,
            "status": "Trading",
            "lotSizeFilter": {self._category.lot: lot, "minOrderQty": lot},
            "priceFilter": {"tickSize": tick},
        }

    def _result(self, result: str) -> Answer:
        time_ms = self._exchange.clock_us() // 1_000
        return Answer(
            f'{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},'
            f'"time":{time_ms}}}'.encode()
        )


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise refused(wire.BAD_PARAMETER, f"params error: {name} is invalid")
    return int(text)


def _row(market: Market, kline: Kline) -> str:
    prices = ",".join(
        f'"{market.price(ticks)}"' for ticks in (kline.open, kline.high, kline.low, kline.close)
    )
    volume, turnover = market.quantity(kline.volume), market.value(kline.quote_volume)
    return f'["{kline.open_us // 1_000}",{prices},"{volume}","{turnover}"]'
