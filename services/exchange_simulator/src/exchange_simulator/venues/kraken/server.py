"""Kraken spot's WebSocket v2 and its public REST API.

https://docs.kraken.com/exchange/guides/websockets/introduction
"""

from __future__ import annotations

import re

from aiohttp import web

from exchange_simulator.faults.marks import Marks
from exchange_simulator.market.depth import depth_at, moments
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
from exchange_simulator.serving.rows import quote_rows, trade_rows, trades_with_quotes
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.kraken import frames
from exchange_simulator.venues.kraken.rest import RestApi, refused
from exchange_simulator.venues.kraken.session import BOOK_EVERY_US, KrakenSession
from exchanges.kraken import wire


class KrakenServer(VenueServer):
    """The server of the spot markets, which are called `BTC/USD` on the wire too."""

    ws_path = "/v2"
    ws_paths = ("/v2",)
    rules = ConnectionRules(
        ping_interval_s=None, messages=Pace(100, 1.0), attempts=Pace(150, 600.0)
    )
    allowance = Allowance(50, 10)
    marks = Marks(
        trades=re.compile(rb'^{"channel":"trade"'),
        quotes=re.compile(rb'^{"channel":"ticker"'),
        symbol=re.compile(rb'(?<="symbol":")[^"]*'),
        id=re.compile(rb'(?<="trade_id":)\d+'),
        price=re.compile(rb'(?<="price":)[^,}]*'),
        quantity=re.compile(rb'(?<="qty":)[^,}]*'),
        time=re.compile(rb'(?<="timestamp":")[^"]*'),
    )

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as it is."""
        return symbol

    def session(self, request: web.Request) -> KrakenSession:
        """Return a connection's side."""
        del request
        return KrakenSession(self.exchange)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a channel says of a cut: a frame for each trade and each quote."""
        del microseconds
        symbol, market = channel.wire_symbol, cut.market
        if channel.kind == "trades":
            return [
                (trade.time_us, trade.sequence, frames.trades_frame(symbol, [trade]))
                for trade in trade_rows(market, cut.trades)
            ]
        if channel.kind == "quotes":
            if channel.detail == "bbo":
                return [
                    (quote.time_us, quote.sequence, frames.quote_frame(symbol, quote))
                    for quote in quote_rows(market, cut.quotes)
                ]
            return [
                (trade.time_us, trade.sequence, frames.quote_frame(symbol, quote))
                for trade, quote in trades_with_quotes(cut)
            ]
        if channel.kind == "alive":
            return [(cut.to_us, 0, frames.HEARTBEAT)] if cut.ends_second else []
        return _book_rows(channel, cut)

    def routes(self) -> list[Route]:
        """Return the REST API."""
        return RestApi(self.exchange).routes()

    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> RefusedError:
        """Return what is answered to an address that asks for too much: with status 200."""
        del limit, refusal
        return refused(wire.LIMITED[0])


def _book_rows(channel: Channel, cut: MarketCut) -> list[Row]:
    levels, rows = int(channel.detail), []
    for moment_us in moments(cut.from_us, cut.to_us, BOOK_EVERY_US):
        before = depth_at(cut.market.tape, moment_us - BOOK_EVERY_US, levels)
        depth = depth_at(cut.market.tape, moment_us, levels)
        if depth is not None and (before is None or before.update_id != depth.update_id):
            rows.append((moment_us, 0, frames.book_frame(cut.market, depth, before)))
    return rows
