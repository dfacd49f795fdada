"""Bybit's perpetuals: the spot markets' server side with trade ids that say nothing."""

from __future__ import annotations

from exchange_simulator.venues.bybit_linear.server import LinearServer

SERVER = LinearServer
