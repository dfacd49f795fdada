"""OKX's market data by REST (v5): refusals may come with status 200, rows newest first.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data
"""

from __future__ import annotations

from aiohttp import web

from exchange_simulator.market.columns import chosen
from exchange_simulator.market.depth import depth_at
from exchange_simulator.market.history import latest_trades, trades_below
from exchange_simulator.market.tape import TradeColumns
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import Kline
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Answer, RefusedError, Route
from exchange_simulator.serving.rows import trade_rows
from exchange_simulator.serving.session import dump
from exchange_simulator.venues.okx.frames import rest_book
from exchange_simulator.venues.okx.sizes import Sizes
from exchanges.okx import wire

_INTERVALS = {bar: interval for interval, bar in wire.BARS.items()}
_MOST_NEWEST = 500
_BAD_PARAMETER = "51000"
_BY_TIME = "2"


def refused(code: str, message: str, status: int = 200) -> RefusedError:
    """Return an answer that says what is wrong."""
    return RefusedError(status, dump({"code": code, "msg": message, "data": []}).encode())


class RestApi:
    """The routes of market data of one kind of instrument."""

    def __init__(self, exchange: Exchange, kind: str, sizes: Sizes) -> None:
        self._exchange = exchange
        self._kind = kind
        self._sizes = sizes

    def routes(self) -> list[Route]:
        """Return them."""
        return [
            Route("/api/v5/public/time", 1, self._time),
            Route("/api/v5/public/instruments", 1, self._instruments),
            Route("/api/v5/market/trades", 1, self._trades),
            Route("/api/v5/market/history-trades", 1, self._history_trades),
            Route("/api/v5/market/books", 1, self._book),
            Route("/api/v5/market/candles", 1, self._candles),
            Route("/api/v5/market/history-candles", 1, self._candles),
        ]

    async def _time(self, request: web.Request) -> Answer:
        del request
        return _data(f'{{"ts":"{self._exchange.clock_us() // 1_000}"}}')

    async def _instruments(self, request: web.Request) -> Answer:
        if request.query.get("instType") != self._kind:
            raise refused(_BAD_PARAMETER, "Parameter instType error")
        one = "instId" in request.query
        markets = [self._market(request)] if one else list(self._exchange.markets.values())
        return _data(",".join(dump(self._instrument(market)) for market in markets))

    async def _trades(self, request: web.Request) -> Answer:
        market = self._market(request)
        limit = min(_number(request, "limit") or 100, _MOST_NEWEST)
        now_us = self._exchange.now_us()
        trades = latest_trades(market.tape, limit, now_us, market.since_us)
        return self._page(market, trades, now_us)

    async def _history_trades(self, request: web.Request) -> Answer:
        market, now_us = self._market(request), self._exchange.now_us()
        limit = min(_number(request, "limit") or wire.MOST_TRADES, wire.MOST_TRADES)
        after, before = _number(request, "after"), _number(request, "before")
        if request.query.get("type") == _BY_TIME:
            end_us = now_us if after is None else min(now_us, after * 1_000)
            trades = latest_trades(market.tape, limit, end_us, market.since_us)
            return self._page(market, trades, now_us)
        trades = trades_below(market.tape, after, limit, now_us, market.since_us)
        if before is not None:
            trades = chosen(trades, (trades.id > before).nonzero()[0])
        return self._page(market, trades, now_us)

    async def _candles(self, request: web.Request) -> Answer:
        market, now_us = self._market(request), self._exchange.now_us()
        interval = _INTERVALS.get(request.query.get("bar", "1m"))
        if interval is None:
            raise refused(_BAD_PARAMETER, "Parameter bar error")
        limit = min(_number(request, "limit") or wire.MOST_KLINES, wire.MOST_KLINES)
        after, before = _number(request, "after"), _number(request, "before")
        end_us = now_us if after is None else min(now_us, after * 1_000)
        klines = await self._exchange.last_klines(market, interval, end_us, limit)
        if before is not None:
            klines = [kline for kline in klines if kline.open_us > before * 1_000]
        rows = (self._candle(market, kline, now_us) for kline in reversed(klines))
        return _data(",".join(rows))

    async def _book(self, request: web.Request) -> Answer:
        market = self._market(request)
        levels = min(_number(request, "sz") or 1, wire.MOST_LEVELS)
        depth = depth_at(market.tape, self._exchange.now_us(), levels)
        return _data("" if depth is None else rest_book(market, self._sizes, depth))

    def _page(self, market: Market, trades: TradeColumns, end_us: int) -> Answer:
        shown, trades = self._exchange.page(market, chosen(trades, slice(None, None, -1)), end_us)
        lots = trades.quantity.tolist()
        rows = (
            f'{{"instId":"{shown.wire_symbol}","side":"{"buy" if trade.buys else "sell"}",'
            f'"sz":"{self._sizes.text(shown, quantity)}","px":"{trade.price}",'
            f'"tradeId":"{trade.id}","ts":"{trade.time_us // 1_000}"}}'
            for trade, quantity in zip(trade_rows(shown, trades), lots, strict=True)
        )
        return _data(",".join(rows))

    def _market(self, request: web.Request) -> Market:
        market = self._exchange.markets.get(request.query.get("instId", ""))
        if market is None:
            message = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
            raise refused(wire.UNKNOWN_INSTRUMENT, message)
        return market

    def _instrument(self, market: Market) -> dict[str, object]:
        pair = market.tape.symbol.partition(":")[0]
        base, _, quote = pair.partition("/")
        is_swap = self._kind == "SWAP"
        underlying = f"{base}-{quote}" if is_swap else ""
        return {
            "instType": self._kind,
            "instId": market.wire_symbol,
            "uly": underlying,
            "instFamily": underlying,
            "baseCcy": "" if is_swap else base,
            "quoteCcy": "" if is_swap else quote,
            "settleCcy": quote if is_swap else "",
            "ctType": "linear" if is_swap else "",
            "ctVal": self._sizes.value(market) if is_swap else "",
            "ctMult": "1" if is_swap else "",
            "ctValCcy": base if is_swap else "",
            "tickSz": market.price(1),
            "lotSz": self._sizes.text(market, 1),
            "minSz": self._sizes.text(market, 1),
            "state": "live",
        }

    def _candle(self, market: Market, kline: Kline, now_us: int) -> str:
        prices = ",".join(
            f'"{market.price(ticks)}"' for ticks in (kline.open, kline.high, kline.low, kline.close)
        )
        value = market.value(kline.quote_volume)
        volume = self._sizes.text(market, kline.volume)
        currency = market.quantity(kline.volume) if self._kind == "SWAP" else value
        confirmed = int(kline.end_us <= now_us)
        return (
            f'["{kline.open_us // 1_000}",{prices},"{volume}","{currency}","{value}","{confirmed}"]'
        )


def _data(rows: str) -> Answer:
    return Answer(f'{{"code":"0","msg":"","data":[{rows}]}}'.encode())


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise refused(_BAD_PARAMETER, f"Parameter {name} error")
    return int(text)
