"""Kraken spot."""

from __future__ import annotations

from exchanges.kraken import rest, wire
from exchanges.kraken.stream import KrakenStream
from exchanges.venue import Venue

VENUE = Venue(
    name="kraken",
    ws_url="wss://ws.kraken.com/v2",
    rest_url="https://api.kraken.com",
    ids="contiguous",
    past="by_time",
    past_trades=None,
    page_trades=wire.MOST_ROWS,
    silence="connection",  # heartbeats name no market
    kline_intervals=frozenset(wire.MINUTES),
    kline_fields=frozenset(
        ["open_time_ms", "open", "high", "low", "close", "volume", "trade_count"]
    ),
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=KrakenStream,
    rest=rest,
    book_levels=wire.DEPTHS[-1],
    refuses=rest.refuses,
    rest_interval_s=0.2,  # one a second for each pair is always let in, more are for a while
)
