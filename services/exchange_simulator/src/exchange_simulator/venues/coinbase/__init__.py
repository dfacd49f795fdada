"""Coinbase Exchange's server side: the WebSocket feed and the public REST API."""

from __future__ import annotations

from exchange_simulator.venues.coinbase.server import CoinbaseServer

SERVER = CoinbaseServer
