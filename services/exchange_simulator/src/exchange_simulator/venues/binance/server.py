"""Binance spot's market streams and its public REST API.

https://github.com/binance/binance-spot-api-docs: web-socket-streams.md and rest-api.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from aiohttp import web

from exchange_simulator.faults.marks import Marks
from exchange_simulator.market.depth import BOOK_LEVELS, changes, depth_at, depths, moments
from exchange_simulator.market.tape import Tape
from exchange_simulator.serving.cut import MarketCut, timed
from exchange_simulator.serving.limits import Refusal, WeightLimit
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Allowance, ConnectionRules, Route, VenueServer
from exchange_simulator.serving.view import Channel, Row, View
from exchange_simulator.venues.binance.frames import MarketFrames, combined
from exchange_simulator.venues.binance.query import ApiError
from exchange_simulator.venues.binance.rest import RestApi, Weights
from exchange_simulator.venues.binance.session import BinanceSession, depth_stream
from exchanges.binance import wire


class BinanceServer(VenueServer):
    """The server of the spot markets."""

    ws_path = "/ws"
    ws_paths: ClassVar[tuple[str, ...]] = ("/ws", "/ws/{streams:.*}", "/stream")
    rules = ConnectionRules()
    allowance = Allowance(6_000, 60, bans=True)
    marks = Marks(
        trades=re.compile(rb'"e":"(?:trade|aggTrade)"'),
        quotes=re.compile(rb'"u":\d+,"s":'),
        symbol=re.compile(rb'(?<="s":")[^"]*'),
        id=re.compile(rb'(?<="[taflL]":)-?\d+'),
        price=re.compile(rb'(?<="p":")[^"]*'),
        quantity=re.compile(rb'(?<="q":")[^"]*'),
        time=re.compile(rb'(?<="[TE]":)\d+'),
        event_time=re.compile(rb'(?<="E":)\d+'),
    )
    rest_root = "/api/v3"
    weights = Weights()
    usual_depth_ms = 1_000

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return a symbol as Binance writes it: `BTCUSDT`."""
        return wire.wire_symbol(symbol)

    @cached_property
    def frames(self) -> Mapping[str, MarketFrames]:
        """The frames of each market, by wire symbol."""
        return {name: self.make_frames(one) for name, one in self.exchange.markets.items()}

    @staticmethod
    def make_frames(market: Market) -> MarketFrames:
        """Return the frames of one market."""
        tape = market.tape
        return MarketFrames(market.wire_symbol, tape.price_decimals, tape.quantity_decimals)

    def session(self, request: web.Request) -> BinanceSession:
        """Return a connection's side; raises ApiError for one that is not accepted."""
        return BinanceSession.opened(self.exchange, request)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a stream says of a cut."""
        encode = self.frames[channel.wire_symbol]
        if channel.kind == "klines":
            if channel not in cut.due:
                return []
            kline, closed = cut.due[channel]
            frame = encode.kline(
                kline, channel.detail, cut.to_us, closed=closed, microseconds=microseconds
            )
            return [(cut.to_us, 0, frame)]
        if channel.kind == "quotes":
            return timed(cut.quotes, encode.quotes(cut.quotes))
        if channel.kind == "book":
            return self._depth_rows(channel, cut)
        make = encode.aggregate_trades if channel.detail == "aggTrade" else encode.trades
        return timed(cut.trades, make(cut.trades, microseconds=microseconds))

    def _depth_rows(self, channel: Channel, cut: MarketCut) -> list[Row]:
        levels, every_us = depth_stream(channel.detail, self.usual_depth_ms)
        encode, tape = self.frames[channel.wire_symbol], cut.market.tape
        rows: list[Row] = []
        for moment_us in moments(cut.from_us, cut.to_us, every_us):
            if levels is None:
                frame = _changes_frame(encode, tape, moment_us - every_us, moment_us)
            else:
                frame = _best_frame(encode, tape, moment_us - every_us, moment_us, levels)
            if frame is not None:
                rows.append((moment_us, 0, frame))
        return rows

    def routes(self) -> list[Route]:
        """Return the REST API."""
        api = RestApi(self.exchange, self.frames, self.allowance.weight)
        return api.routes(self.rest_root, self.weights)

    def over_limit(self, limit: WeightLimit, refusal: Refusal) -> ApiError:
        """Return what is answered to an address that asks for too much."""
        return ApiError.too_many_requests(limit.limit, refusal)

    def too_many_attempts(self) -> ApiError:
        """Return what is answered to an address that connects too often."""
        message = "Too many connection attempts; current limit is 300 per 5 minutes."
        return ApiError(-1003, message, 429)

    def limit_headers(self, limit: WeightLimit) -> Mapping[str, str]:
        """Return how much was used in this minute."""
        return {"X-MBX-USED-WEIGHT-1M": str(limit.used)}

    def dressed(self, channel: str, frame: bytes) -> bytes:
        """Return a frame as the combined endpoint shows it."""
        return combined(channel, frame)

    def farewell(self, view: View, now_us: int, *, ended: bool) -> bytes:
        """Return the `serverShutdown` event; it says so where the market has ended."""
        reason = b',"reason":"recording ended"' if ended else b""
        time_ = now_us if view.microseconds else now_us // 1_000
        frame = b'{"e":"serverShutdown","E":%d%b}' % (time_, reason)
        return combined("!serverShutdown", frame) if view.combined else frame


def _changes_frame(encode: MarketFrames, tape: Tape, from_us: int, to_us: int) -> bytes | None:
    """Return every price that was touched: a snapshot may be of any moment between."""
    books = depths(tape, from_us, to_us, BOOK_LEVELS)
    if not books:
        return None
    bids, asks = changes(*(one.bids for one in books)), changes(*(one.asks for one in books))
    return encode.depth_update(books[0], books[-1]._replace(bids=bids, asks=asks))


def _best_frame(
    encode: MarketFrames, tape: Tape, from_us: int, to_us: int, levels: int
) -> bytes | None:
    before, depth = depth_at(tape, from_us, levels), depth_at(tape, to_us, levels)
    if before is None or depth is None or before.update_id == depth.update_id:
        return None
    return encode.partial_depth(before, depth)
