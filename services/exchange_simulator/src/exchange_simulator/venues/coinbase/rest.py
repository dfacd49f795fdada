"""Coinbase Exchange's public REST API; pages of trades are counted back from an id.

https://docs.cdp.coinbase.com/exchange/rest-api/pagination and …/products/get-product-trades,
…/products/get-product-book
"""

from __future__ import annotations

from aiohttp import web

from exchange_simulator.market.columns import chosen
from exchange_simulator.market.depth import Depth, depth_at
from exchange_simulator.market.history import trades_below
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import Kline
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Answer, RefusedError, Route
from exchange_simulator.serving.rows import trade_rows
from exchange_simulator.serving.session import dump
from exchange_simulator.serving.times import iso_text, us_of
from exchange_simulator.venues.coinbase.frames import maker_side, rest_book
from exchanges.coinbase import wire

_LEVELS = {"1": 1, "2": 50}  # the third is of single orders, which there are none of
_INTERVALS = {str(seconds): interval for interval, seconds in wire.SECONDS.items()}


def refused(status: int, message: str) -> RefusedError:
    """Return an answer that says what is wrong."""
    return RefusedError(status, dump({"message": message}).encode())


class RestApi:
    """The routes of market data."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """Return them."""
        return [
            Route("/time", 1, self._time),
            Route("/products", 1, self._products),
            Route("/products/{product}", 1, self._product),
            Route("/products/{product}/trades", 1, self._trades),
            Route("/products/{product}/book", 1, self._book),
            Route("/products/{product}/candles", 1, self._candles),
        ]

    async def _time(self, request: web.Request) -> Answer:
        del request
        time_us = self._exchange.clock_us()
        return _json({"iso": iso_text(time_us), "epoch": time_us / 1_000_000})

    async def _products(self, request: web.Request) -> Answer:
        del request
        return _json([_product(market) for market in self._exchange.markets.values()])

    async def _product(self, request: web.Request) -> Answer:
        return _json(_product(self._market(request)))

    async def _trades(self, request: web.Request) -> Answer:
        market = self._market(request)
        limit = min(max(1, _number(request, "limit") or wire.MOST_ROWS), wire.MOST_ROWS)
        now_us = self._exchange.now_us()
        trades = trades_below(
            market.tape, _number(request, "after"), limit, now_us, market.since_us
        )
        since_id = _number(request, "before")
        if since_id is not None:
            trades = chosen(trades, (trades.id > since_id).nonzero()[0])
        headers = {}
        if len(trades.id):
            headers = {"CB-BEFORE": str(trades.id[-1]), "CB-AFTER": str(trades.id[0])}
        shown, trades = self._exchange.page(market, chosen(trades, slice(None, None, -1)), now_us)
        rows = ",".join(
            f'{{"time":"{iso_text(trade.time_us)}","trade_id":{trade.id},"price":"{trade.price}",'
            f'"size":"{trade.quantity}","side":"{maker_side(trade)}"}}'
            for trade in trade_rows(shown, trades)
        )
        return Answer(f"[{rows}]".encode(), headers)

    async def _candles(self, request: web.Request) -> Answer:
        market = self._market(request)
        interval = _INTERVALS.get(request.query.get("granularity", "60"))
        if interval is None:
            raise refused(400, "Unsupported granularity")
        now_us, most = self._exchange.now_us(), wire.MOST_KLINES
        start_us, end_us = _time(request, "start"), _time(request, "end")
        if start_us is None:
            klines = await self._exchange.last_klines(market, interval, now_us, most)
        else:
            before_us = now_us if end_us is None else min(now_us, end_us + 1)
            if (before_us - start_us) // (wire.SECONDS[interval] * 1_000_000) > most:
                raise refused(400, "granularity too small for the requested time range")
            klines = await self._exchange.first_klines(market, interval, start_us, before_us, most)
        rows = (_candle(market, kline) for kline in reversed(klines) if kline.trade_count)
        return Answer(f"[{','.join(rows)}]".encode())

    async def _book(self, request: web.Request) -> Answer:
        levels = _LEVELS.get(request.query.get("level", "1"))
        if levels is None:
            raise refused(400, "Invalid level")
        market, now_us = self._market(request), self._exchange.now_us()
        depth = depth_at(market.tape, now_us, levels)
        if depth is None:
            depth = Depth(0, now_us, (), ())
        return Answer(rest_book(market, depth).encode())

    def _market(self, request: web.Request) -> Market:
        market = self._exchange.markets.get(request.match_info["product"])
        if market is None:
            raise refused(404, "NotFound")
        return market


def _json(body: object) -> Answer:
    return Answer(dump(body).encode())


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise refused(400, f"invalid {name}")
    return int(text)


def _time(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return us_of(text)
    except ValueError as error:
        raise refused(400, f"invalid {name}") from error


def _product(market: Market) -> dict[str, object]:
    base, _, quote = market.tape.symbol.partition("/")
    return {
        "id": market.wire_symbol,
        "base_currency": base,
        "quote_currency": quote,
        "quote_increment": market.price(1),
        "base_increment": market.quantity(1),
        "display_name": f"{base}/{quote}",
        "status": "online",
        "trading_disabled": False,
    }


def _candle(market: Market, kline: Kline) -> str:
    low, high, open_, close = map(market.price, (kline.low, kline.high, kline.open, kline.close))
    volume = market.quantity(kline.volume)
    return f"[{kline.open_us // 1_000_000},{low},{high},{open_},{close},{volume}]"
