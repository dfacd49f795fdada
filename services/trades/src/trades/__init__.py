"""Exchange WebSocket and REST to Trades messages."""
