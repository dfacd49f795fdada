"""Bybit's public WebSocket and market data by REST (v5), as its spot markets have them.

Books come every 100 ms, where Bybit takes 20, and are numbered without a gap.
https://bybit-exchange.github.io/docs/v5/ws/connect and …/v5/rate-limit
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import ClassVar

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
from exchange_simulator.serving.rows import TradeRow, quote_rows, trade_rows
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.bybit import frames
from exchange_simulator.venues.bybit.rest import RestApi, refused
from exchange_simulator.venues.bybit.session import BOOK_EVERY_US, BybitSession
from exchanges.bybit import wire


class BybitServer(VenueServer):
    """The server of the spot markets."""

    ws_path = "/v5/public/spot"
    ws_paths: ClassVar[tuple[str, ...]] = ("/v5/public/spot",)
    rules = ConnectionRules(
        ping_interval_s=None, idle_s=600.0, messages=Pace(100, 1.0), attempts=Pace(500, 300.0)
    )
    allowance = Allowance(600, 5)
    marks = Marks(
        trades=re.compile(rb'^{"topic":"publicTrade\.'),
        quotes=re.compile(rb'^{"topic":"orderbook\.1\.'),
        symbol=re.compile(rb'(?<="s":")[^"]*'),
        id=re.compile(rb'(?<="i":")\d+'),
        price=re.compile(rb'(?<="p":")[^"]*'),
        quantity=re.compile(rb'(?<="v":")[^"]*'),
        time=re.compile(rb'(?<="T":)\d+'),
        event_time=re.compile(rb'(?<="ts":)\d+'),
    )
    category = wire.SPOT

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as Bybit writes it: `BTCUSDT`."""
        return wire.SPOT.wire_symbol(symbol)

    @staticmethod
    def trade_id(wire_symbol: str, id_: int) -> str:
        """Return the id of a trade, which rises from one to the next."""
        del wire_symbol
        return str(id_)

    def session(self, request: web.Request) -> BybitSession:
        """Return a connection's side."""
        del request
        return BybitSession(self.exchange)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a topic says of a cut."""
        del microseconds
        symbol, market = channel.wire_symbol, cut.market
        if channel.kind == "trades":
            return [self._trades_row(symbol, list(some)) for _, some in groupby(
                trade_rows(market, cut.trades), key=lambda trade: trade.time_us // 1_000
            )]  # fmt: skip
        if channel.kind == "quotes":
            return [
                (quote.time_us, quote.sequence, frames.quote_frame(symbol, quote))
                for quote in quote_rows(market, cut.quotes)
            ]
        return _book_rows(channel, cut)

    def _trades_row(self, symbol: str, trades: list[TradeRow]) -> Row:
        frame = frames.trades_frame(symbol, trades, self.trade_id)
        return trades[0].time_us, trades[0].sequence, frame

    def routes(self) -> list[Route]:
        """Return the REST API."""
        return RestApi(self.exchange, self.category, self.trade_id).routes()

    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> RefusedError:
        """Return what is answered to an address that asks for too much: with status 200."""
        del limit, refusal
        return refused(wire.TOO_MANY_REQUESTS, "Too many visits!")


def _book_rows(channel: Channel, cut: MarketCut) -> list[Row]:
    levels, rows = int(channel.detail), []
    for moment_us in moments(cut.from_us, cut.to_us, BOOK_EVERY_US):
        before = depth_at(cut.market.tape, moment_us - BOOK_EVERY_US, levels)
        depth = depth_at(cut.market.tape, moment_us, levels)
        if depth is not None:
            number = moment_us // BOOK_EVERY_US
            frame = frames.book_frame(cut.market, levels, number, depth, before)
            rows.append((moment_us, 0, frame))
    return rows
