"""The WebSocket and REST of OKX's perpetual swaps that are settled in what they are quoted in."""

from __future__ import annotations

from aiohttp import web

from exchange_simulator.market.context import liquidations, told_at
from exchange_simulator.market.depth import moments
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.view import Channel, Row
from exchange_simulator.venues.okx.server import OkxServer
from exchange_simulator.venues.okx.sizes import Sizes
from exchange_simulator.venues.okx_swap import frames
from exchange_simulator.venues.okx_swap.session import SwapSession
from exchanges.okx import wire


class SwapServer(OkxServer):
    """The server of the swaps; a contract is worth a hundredth of a base unit."""

    kind = "SWAP"
    sizes = Sizes(contract_decimals=2)

    @staticmethod
    def wire_symbol(symbol: str) -> str:
        """Return `BTC-USDT-SWAP` for `BTC/USDT:USDT`; raises SettingsError if it is no swap."""
        return wire.swap_instrument(symbol)

    def session(self, request: web.Request) -> SwapSession:
        """Return a connection's side."""
        del request
        return SwapSession(self.exchange, self.sizes)

    def rows(self, channel: Channel, cut: MarketCut, *, microseconds: bool) -> list[Row]:
        """Return what a channel says of a cut."""
        if channel.kind != "context":
            return super().rows(channel, cut, microseconds=microseconds)
        market, tape, name = cut.market, cut.market.tape, channel.detail
        if name == frames.LIQUIDATIONS:
            return [
                (one.time_us, 0, frames.liquidation_frame(market, self.sizes, one))
                for one in liquidations(tape, cut.from_us, cut.to_us)
            ]
        return [
            (time_us, 0, frames.told_frame(name, market, self.sizes, told))
            for time_us in moments(cut.from_us, cut.to_us, frames.EVERY_US[name])
            if (told := told_at(tape, time_us)) is not None
        ]
