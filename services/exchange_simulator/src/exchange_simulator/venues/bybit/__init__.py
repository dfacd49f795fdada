"""Bybit's server side, as its spot markets have it: WebSocket and REST of v5."""

from __future__ import annotations

from exchange_simulator.venues.bybit.server import BybitServer

SERVER = BybitServer
