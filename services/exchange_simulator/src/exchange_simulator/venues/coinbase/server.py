"""Coinbase Exchange's WebSocket feed and its public REST API.

https://docs.cdp.coinbase.com/exchange/websocket-feed/overview, …/rate-limits
"""

from __future__ import annotations

import re

from aiohttp import web

from exchange_simulator.faults.marks import Marks
from exchange_simulator.market.depth import depth_at, moments
from exchange_simulator.market.history import latest_trades
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.limits import Refusal, WeightLimit
from exchange_simulator.serving.port import (
    Allowance,
    ConnectionRules,
    Pace,
    RefusedError,
    Route,
    VenueServer,
)
from exchange_simulator.serving.rows import trade_rows, trades_with_quotes
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.coinbase import frames
from exchange_simulator.venues.coinbase.rest import RestApi, refused
from exchange_simulator.venues.coinbase.session import BOOK_EVERY_US, BOOK_LEVELS, CoinbaseSession
from exchanges.coinbase import wire


class CoinbaseServer(VenueServer):
    """The server of the spot markets."""

    ws_path = "/"
    ws_paths = ("/",)
    rules = ConnectionRules(
        ping_interval_s=None,
        subscribe_within_s=5.0,
        messages=Pace(100, 1.0),
        attempts=Pace(20, 2.5),
    )
    allowance = Allowance(10, 1)
    marks = Marks(
        trades=re.compile(rb'^{"type":"match"'),
        quotes=re.compile(rb'^{"type":"ticker"'),
        symbol=re.compile(rb'(?<="product_id":")[^"]*'),
        id=re.compile(rb'(?<="trade_id":)\d+'),
        price=re.compile(rb'(?<="price":")[^"]*'),
        quantity=re.compile(rb'(?<="size":")[^"]*'),
        time=re.compile(rb'(?<="time":")[^"]*'),
    )

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as Coinbase writes it: `BTC-USD`."""
        return wire.product_of(symbol)

    def session(self, request: web.Request) -> CoinbaseSession:
        """Return a connection's side."""
        del request
        return CoinbaseSession(self.exchange)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a channel says of a cut; a ticker comes behind its trade."""
        del microseconds
        product = channel.wire_symbol
        if channel.kind == "trades":
            return [
                (trade.time_us, trade.sequence, frames.match_frame(product, trade))
                for trade in trade_rows(cut.market, cut.trades)
            ]
        if channel.kind == "quotes":
            return [
                (trade.time_us, trade.sequence, frames.ticker_frame(product, trade, quote))
                for trade, quote in trades_with_quotes(cut)
            ]
        if channel.kind == "alive":
            return _heartbeat(cut) if cut.ends_second else []
        return _book_rows(cut)

    def routes(self) -> list[Route]:
        """Return the REST API."""
        return RestApi(self.exchange).routes()

    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> RefusedError:
        """Return what is answered to an address that asks for too much."""
        del limit, refusal
        return refused(429, "Public rate limit exceeded")


def _heartbeat(cut: MarketCut) -> list[Row]:
    market = cut.market
    newest = latest_trades(market.tape, 1, cut.to_us, market.since_us)
    if not len(newest.id):
        return []
    frame = frames.heartbeat_frame(
        market.wire_symbol, int(newest.sequence[-1]), int(newest.id[-1]), cut.to_us
    )
    return [(cut.to_us, 0, frame)]


def _book_rows(cut: MarketCut) -> list[Row]:
    rows: list[Row] = []
    for moment_us in moments(cut.from_us, cut.to_us, BOOK_EVERY_US):
        before = depth_at(cut.market.tape, moment_us - BOOK_EVERY_US, BOOK_LEVELS)
        depth = depth_at(cut.market.tape, moment_us, BOOK_LEVELS)
        if before is not None and depth is not None and before.update_id != depth.update_id:
            rows.append((moment_us, 0, frames.update_frame(cut.market, before, depth)))
    return rows
