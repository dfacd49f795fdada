"""The WebSocket and REST of Bybit's perpetuals that are settled in what they are quoted in."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from exchange_simulator.venues.bybit.server import BybitServer
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
