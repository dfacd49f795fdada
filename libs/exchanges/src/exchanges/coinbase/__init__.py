"""Coinbase Exchange, spot."""

from __future__ import annotations

from exchanges.coinbase import rest, wire
from exchanges.coinbase.stream import CoinbaseStream
from exchanges.venue import Venue

VENUE = Venue(
    name="coinbase",
    ws_url="wss://ws-feed.exchange.coinbase.com",
    rest_url="https://api.exchange.coinbase.com",
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_ROWS,
    counts_back=True,
    silence="last_id",
    kline_intervals=frozenset(wire.SECONDS),
    kline_fields=frozenset(["open_time_ms", "open", "high", "low", "close", "volume"]),
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=CoinbaseStream,
    rest=rest,
    book_levels=wire.MOST_LEVELS,
    rest_interval_s=0.1,  # ten a second
)
