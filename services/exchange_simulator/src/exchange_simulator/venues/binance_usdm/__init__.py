"""Binance's USDT-margined perpetuals: the spot markets' server side with other frames and paths."""

from __future__ import annotations

from exchange_simulator.venues.binance_usdm.server import UsdmServer

SERVER = UsdmServer
