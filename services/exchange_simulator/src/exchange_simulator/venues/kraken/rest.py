"""Kraken's public REST API: errors come with status 200, and so do refusals of too much.

https://docs.kraken.com/api/docs/rest-api/get-recent-trades, …/get-ohlc-data, …/get-order-book
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from aiohttp import web

from exchange_simulator.market.depth import depth_at
from exchange_simulator.market.history import first_trades, latest_trades
from exchange_simulator.serving.decimals import decimal_text
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.klines import Kline, open_of
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Answer, RefusedError, Route
from exchange_simulator.serving.rows import trade_rows
from exchange_simulator.serving.session import dump
from exchanges.kraken import wire

_INTERVALS = {str(minutes): interval for interval, minutes in wire.MINUTES.items()}
_OLD_ASSETS = ("XBT", "ETH", "LTC", "XRP", "XLM", "ETC", "ZEC", "XMR", "XDG", "REP")
_USUAL_LEVELS, _MOST_LEVELS = 100, 500
_NANOSECONDS_FROM = 10**12  # as seconds this is the year 33658
_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CAD")


def refused(*errors: str) -> RefusedError:
    """Return an answer that says what is wrong."""
    return RefusedError(200, dump({"error": errors}).encode())


class RestApi:
    """The routes of market data."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._by_name = {
            name: market
            for market in exchange.markets.values()
            for name in (market.wire_symbol, *wire.rest_names(market.tape.symbol))
        }

    def routes(self) -> list[Route]:
        """Return them."""
        return [
            Route("/0/public/Time", 1, self._time),
            Route("/0/public/SystemStatus", 1, self._status),
            Route("/0/public/AssetPairs", 1, self._asset_pairs),
            Route("/0/public/Trades", 1, self._trades),
            Route("/0/public/OHLC", 1, self._ohlc),
            Route("/0/public/Depth", 1, self._depth),
        ]

    async def _time(self, request: web.Request) -> Answer:
        del request
        time_s = self._exchange.clock_us() // 1_000_000
        return _result({"unixtime": time_s, "rfc1123": formatdate(time_s, usegmt=True)})

    async def _status(self, request: web.Request) -> Answer:
        del request
        return _result({"status": "online"})

    async def _asset_pairs(self, request: web.Request) -> Answer:
        names = request.query.get("pair")
        if names is None:
            every = self._exchange.markets.values()
            return _result({_name(market): _pair(market) for market in every})
        markets = {name: self._market(name) for name in names.split(",")}
        # Whoever asks by the WebSocket's name is answered by it: Kraken's SDK looks it up so.
        return _result(
            {
                name if "/" in name else _name(market): _pair(market)
                for name, market in markets.items()
            }
        )

    async def _trades(self, request: web.Request) -> Answer:
        market = self._market(request.query.get("pair", ""))
        since_ns, count = _since_ns(request), _number(request, "count")
        count = min(wire.MOST_ROWS if count is None else max(1, count), wire.MOST_ROWS)
        now_us = self._exchange.now_us()
        if since_ns is None:
            trades = latest_trades(market.tape, count, now_us, market.since_us)
        else:
            from_us = min(since_ns // 1_000 + 1, now_us)  # trades after it
            trades = first_trades(market.tape, count, max(from_us, market.since_us), now_us)
        last_us = int(trades.time_us[-1]) if len(trades.id) else (since_ns or 0) // 1_000
        shown, trades = self._exchange.page(market, trades, now_us)
        rows = ",".join(
            f'["{trade.price}","{trade.quantity}",{_seconds(trade.time_us)},'
            f'"{"b" if trade.buys else "s"}","m","",{trade.id}]'
            for trade in trade_rows(shown, trades)
        )
        body = f'{{"error":[],"result":{{"{_name(shown)}":[{rows}],"last":"{last_us}000"}}}}'
        return Answer(body.encode())

    async def _ohlc(self, request: web.Request) -> Answer:
        market = self._market(request.query.get("pair", ""))
        interval = _INTERVALS.get(request.query.get("interval", "1"))
        if interval is None:
            raise refused("EGeneral:Invalid arguments")
        now_us, since_s = self._exchange.now_us(), _number(request, "since")
        klines = await self._exchange.last_klines(market, interval, now_us, wire.MOST_KLINES)
        rows = [
            _ohlc_row(market, kline)
            for kline in klines
            if since_s is None or kline.open_us > since_s * 1_000_000
        ]
        last_s = (open_of(now_us, interval) - 1) // 1_000_000
        committed = [row[0] for row in rows if row[0] <= last_s]
        return _result({_name(market): rows, "last": committed[-1] if committed else last_s})

    async def _depth(self, request: web.Request) -> Answer:
        market = self._market(request.query.get("pair", ""))
        count = min(max(1, _number(request, "count") or _USUAL_LEVELS), _MOST_LEVELS)
        depth = depth_at(market.tape, self._exchange.now_us(), count)
        sides = {} if depth is None else {"asks": depth.asks, "bids": depth.bids}
        time_s = 0 if depth is None else depth.time_us // 1_000_000
        return _result(
            {
                _name(market): {
                    side: [[market.price(p), market.quantity(q), time_s] for p, q in levels]
                    for side, levels in sides.items()
                }
            }
        )

    def _market(self, name: str) -> Market:
        market = self._by_name.get(name)
        if market is None:
            raise refused(wire.UNKNOWN_PAIR)
        return market


def _result(result: dict[str, Any]) -> Answer:
    return Answer(dump({"error": [], "result": result}).encode())


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not text.lstrip("-").isdecimal():
        raise refused("EGeneral:Invalid arguments")
    return max(0, int(text))


def _since_ns(request: web.Request) -> int | None:
    """Return the time of `since`, which may be in seconds or, as in `last`, in nanoseconds."""
    since = _number(request, "since")
    if since is None or since >= _NANOSECONDS_FROM:
        return since
    return since * 1_000_000_000


def _name(market: Market) -> str:
    """Return what answers call a market: codes of old assets begin with X, of currencies with Z."""
    base, quote = market.tape.symbol.split("/")
    base, quote = wire.rest_symbol(f"{base}/"), wire.rest_symbol(f"{quote}/")
    if base in _OLD_ASSETS and quote in (*_OLD_ASSETS, *_CURRENCIES):
        return f"X{base}{'Z' if quote in _CURRENCIES else 'X'}{quote}"
    return base + quote


def _pair(market: Market) -> dict[str, object]:
    tape = market.tape
    tick, lot = market.price(1), market.quantity(1)
    return {
        "altname": wire.rest_symbol(tape.symbol),
        "wsname": tape.symbol,
        "base": tape.symbol.partition("/")[0],
        "quote": tape.symbol.partition("/")[2],
        "pair_decimals": tape.price_decimals,
        "lot_decimals": tape.quantity_decimals,
        "lot_multiplier": 1,
        "ordermin": lot,
        "tick_size": tick,
        "status": "online",
    }


def _seconds(time_us: int) -> str:
    return f"{time_us // 1_000_000}.{time_us % 1_000_000:06d}"


def _ohlc_row(market: Market, kline: Kline) -> list[Any]:
    prices = [market.price(ticks) for ticks in (kline.open, kline.high, kline.low, kline.close)]
    average = kline.quote_volume // kline.volume if kline.volume else 0
    return [
        kline.open_us // 1_000_000,
        *prices,
        market.price(average) if average else "0.0",
        decimal_text(kline.volume, market.tape.quantity_decimals),
        kline.trade_count,
    ]
