"""Binance spot as seen from outside: its frames, its WebSocket and its REST API."""
