"""The market streams and the public REST API of Binance's USDT-margined perpetuals.

https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from __future__ import annotations

from exchange_simulator.serving.markets import Market
from exchange_simulator.serving.port import Allowance, ConnectionRules, Pace
from exchange_simulator.venues.binance.rest import Weights
from exchange_simulator.venues.binance.server import BinanceServer
from exchange_simulator.venues.binance_usdm.frames import UsdmFrames
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
