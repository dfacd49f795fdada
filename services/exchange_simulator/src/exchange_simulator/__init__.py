"""A stand-in exchange: real wire protocols over real sockets."""

from exchange_simulator.recording import RecordedMarket
from exchange_simulator.seeded import SeededMarket
from exchange_simulator.server import RunningExchange, serve, start

__all__ = ["RecordedMarket", "RunningExchange", "SeededMarket", "serve", "start"]
