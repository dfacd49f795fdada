"""The market streams and the public REST API of Binance's USDT-margined perpetuals.

https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from aiohttp import web

from exchange_simulator.market.context import liquidations, told_at
from exchange_simulator.market.depth import moments
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Allowance, Answer, ConnectionRules, Pace, Route
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.binance.query import ApiError, Query
from exchange_simulator.venues.binance.rest import Weights
from exchange_simulator.venues.binance.server import BinanceServer
from exchange_simulator.venues.binance_usdm.frames import UsdmFrames
from exchange_simulator.venues.binance_usdm.session import MARK_US, UsdmSession
from exchanges.binance_usdm.symbols import wire_symbol


class UsdmServer(BinanceServer):
    """The server of the perpetuals; its routes, and the paths without one, are one here."""

    ws_path = "/public/ws"
    ws_paths = tuple(
        f"{route}{path}"
        for route in ("", "/public", "/market", "/private")
        for path in BinanceServer.ws_paths
    )
    rules = ConnectionRules(ping_interval_s=180.0, pong_timeout_s=600.0, messages=Pace(10, 1.0))
    allowance = Allowance(2_400, 60, bans=True)
    rest_root = "/fapi/v1"
    weights = Weights(exchange_info=1, agg_trades=20, klines=5, depth=20)
    usual_depth_ms = 250

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return `BTCUSDT` for `BTC/USDT:USDT`; raises SettingsError where it is no perpetual."""
        return wire_symbol(symbol)

    @staticmethod
    def make_frames(market: Market) -> UsdmFrames:
        """Return the frames of one market."""
        tape = market.tape
        return UsdmFrames(market.wire_symbol, tape.price_decimals, tape.quantity_decimals)

    @cached_property
    def frames(self) -> Mapping[str, UsdmFrames]:
        """The frames of each market, by wire symbol."""
        return {name: self.make_frames(one) for name, one in self.exchange.markets.items()}

    def session(self, request: web.Request) -> UsdmSession:
        """Return a connection's side; raises ApiError for one that is not accepted."""
        return UsdmSession.opened(self.exchange, request)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a stream says of a cut."""
        if channel.kind != "context":
            return super().rows(channel, cut, microseconds=microseconds)
        encode, tape = self.frames[channel.wire_symbol], cut.market.tape
        if channel.detail not in MARK_US:
            some = liquidations(tape, cut.from_us, cut.to_us)
            return [(one.time_us, 0, encode.forced_order(one)) for one in some]
        at = moments(cut.from_us, cut.to_us, MARK_US[channel.detail])
        return [
            (time_us, 0, encode.mark_price(told))
            for time_us in at
            if (told := told_at(tape, time_us)) is not None
        ]

    def routes(self) -> list[Route]:
        """Return the REST API."""
        return [
            *super().routes(),
            Route(f"{self.rest_root}/openInterest", 1, self._open_interest),
        ]

    async def _open_interest(self, request: web.Request) -> Answer:
        market = Query(request, ("symbol",)).market(self.exchange.markets)
        told = told_at(market.tape, self.exchange.now_us())
        if told is None:
            raise ApiError(-1000, "No open interest yet.")
        return Answer(self.frames[market.wire_symbol].open_interest(told))
