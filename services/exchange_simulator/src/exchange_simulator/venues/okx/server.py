"""OKX's public WebSocket and market data by REST (v5), as its spot markets have them.

`trades` joins no fills here: each comes by itself, with a count of one.
https://www.okx.com/docs-v5/en/#overview-websocket and #overview-rate-limits
"""

from __future__ import annotations

import re
from typing import ClassVar

from aiohttp import web

from exchange_simulator.faults.marks import Marks
from exchange_simulator.market.depth import Depth, depth_at, moments
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
from exchange_simulator.serving.rows import trade_rows
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.okx import frames
from exchange_simulator.venues.okx.rest import RestApi, refused
from exchange_simulator.venues.okx.session import BOOK_EVERY_US, LEVELS, OkxSession
from exchange_simulator.venues.okx.sizes import Sizes
from exchanges.okx import wire


class OkxServer(VenueServer):
    """The server of the spot markets."""

    ws_path = "/ws/v5/public"
    ws_paths = ("/ws/v5/public", "/ws/v5/business")
    rules = ConnectionRules(
        ping_interval_s=None, idle_s=30.0, messages=Pace(480, 3_600.0), attempts=Pace(3, 1.0)
    )
    allowance = Allowance(20, 2)
    marks = Marks(
        trades=re.compile(rb'^{"arg":{"channel":"trades'),
        quotes=re.compile(rb'^{"arg":{"channel":"bbo-tbt"'),
        symbol=re.compile(rb'(?<="instId":")[^"]*'),
        id=re.compile(rb'(?<="tradeId":")\d+'),
        price=re.compile(rb'(?<="px":")[^"]*'),
        quantity=re.compile(rb'(?<="sz":")[^"]*'),
        time=re.compile(rb'(?<="ts":")\d+'),
    )
    kind: ClassVar[str] = "SPOT"
    sizes: ClassVar[Sizes] = Sizes()

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as OKX writes it: `BTC-USDT`."""
        return wire.spot_instrument(symbol)

    def session(self, request: web.Request) -> OkxSession:
        """Return a connection's side."""
        del request
        return OkxSession(self.exchange, self.sizes)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a channel says of a cut."""
        del microseconds
        if channel.kind == "trades":
            return self._trades(channel, cut)
        if channel.kind == "quotes":
            return self._quotes(channel, cut)
        return self._books(channel, cut)

    def _trades(self, channel: Channel, cut: MarketCut) -> list[Row]:
        market = cut.market
        rows: list[Row] = []
        lots = cut.trades.quantity.tolist()
        for trade, quantity in zip(trade_rows(market, cut.trades), lots, strict=True):
            size = self.sizes.text(market, quantity)
            frame = frames.trade_frame(channel.detail, market, trade, size)
            rows.append((trade.time_us, trade.sequence, frame))
        return rows

    def _quotes(self, channel: Channel, cut: MarketCut) -> list[Row]:
        rows: list[Row] = []
        for update_id, time_us, bid, bid_size, ask, ask_size, sequence in zip(
            *(column.tolist() for column in cut.quotes), strict=True
        ):
            depth = Depth(update_id, time_us, ((bid, bid_size),), ((ask, ask_size),))
            frame = frames.book_frame(channel.detail, cut.market, self.sizes, depth, update_id)
            rows.append((time_us, sequence, frame))
        return rows

    def _books(self, channel: Channel, cut: MarketCut) -> list[Row]:
        market, levels, name = cut.market, LEVELS[channel.detail], channel.detail
        rows: list[Row] = []
        for moment_us in moments(cut.from_us, cut.to_us, BOOK_EVERY_US):
            number = moment_us // BOOK_EVERY_US
            before = depth_at(market.tape, moment_us - BOOK_EVERY_US, levels)
            depth = depth_at(market.tape, moment_us, levels)
            if depth is None or before is None:
                continue
            if name == "books":
                frame = frames.update_frame(name, market, self.sizes, before, depth, number)
            elif before.update_id != depth.update_id:
                frame = frames.book_frame(name, market, self.sizes, depth, number)
            else:
                continue
            rows.append((moment_us, 0, frame))
        return rows

    def routes(self) -> list[Route]:
        """Return the REST API."""
        return RestApi(self.exchange, self.kind, self.sizes).routes()

    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> RefusedError:
        """Return what is answered to an address that asks for too much."""
        del limit, refusal
        return refused(wire.TOO_MANY_REQUESTS, "Too Many Requests", status=429)
