"""A stand-in exchange: real wire protocols over real sockets."""

from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.server import RunningExchange, serve, start

__all__ = ["RecordedMarket", "RunningExchange", "SeededMarket", "serve", "start"]
