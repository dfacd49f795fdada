"""The WebSocket and REST of Bybit's perpetuals that are settled in what they are quoted in."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from exchange_simulator.market.context import liquidations, told_at
from exchange_simulator.market.depth import moments
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.bybit.server import BybitServer
from exchange_simulator.venues.bybit_linear import frames
from exchange_simulator.venues.bybit_linear.session import (
    LIQUIDATIONS,
    TICKER_US,
    LinearSession,
)
from exchanges.bybit import wire


class LinearServer(BybitServer):
    """The server of the perpetuals, whose trade ids are UUIDs."""

    ws_path = "/v5/public/linear"
    ws_paths = ("/v5/public/linear",)
    marks = replace(BybitServer.marks, id=None)
    category = wire.LINEAR

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return `BTCUSDT` for `BTC/USDT:USDT`; raises SettingsError where it is no perpetual."""
        return wire.LINEAR.wire_symbol(symbol)

    @staticmethod
    def trade_id(wire_symbol: str, id_: int) -> str:
        """Return the UUID of a trade, the same each time."""
        return str(uuid5(NAMESPACE_URL, f"{wire_symbol}:{id_}"))

    def session(self, request: web.Request) -> LinearSession:
        """Return a connection's side."""
        del request
        return LinearSession(self.exchange)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a topic says of a cut."""
        if channel.kind != "context":
            return super().rows(channel, cut, microseconds=microseconds)
        market = cut.market
        if channel.detail == LIQUIDATIONS:
            some = liquidations(market.tape, cut.from_us, cut.to_us)
            frame = frames.liquidations_frame(market, some, cut.to_us)
            return [(cut.to_us, 0, frame)] if some else []
        rows: list[Row] = []
        for moment_us in moments(cut.from_us, cut.to_us, TICKER_US):
            before = told_at(market.tape, moment_us - TICKER_US)
            told = told_at(market.tape, moment_us)
            if told is not None:
                rows.append((moment_us, 0, frames.ticker_frame(market, told, before)))
        return rows
