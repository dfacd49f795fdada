"""Binance spot's server side: market streams and the public REST API."""

from __future__ import annotations

from exchange_simulator.venues.binance.server import BinanceServer

SERVER = BinanceServer
