"""Kraken spot's server side: WebSocket v2 and the public REST API."""

from __future__ import annotations

from exchange_simulator.venues.kraken.server import KrakenServer

SERVER = KrakenServer
