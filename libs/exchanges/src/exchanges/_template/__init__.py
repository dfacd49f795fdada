"""A venue to be copied: an invented exchange with the simplest wire there is."""

from __future__ import annotations

from exchanges._template import rest, wire
from exchanges._template.stream import TemplateStream
from exchanges.venue import Venue

VENUE = Venue(
    name="template",
    ws_url="wss://stream.example.com/ws",
    rest_url="https://api.example.com",
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_ROWS,
    silence="connection",
    kline_intervals=frozenset(["1m", "1h"]),
    kline_fields=frozenset(
        ["open_time_ms", "open", "high", "low", "close", "volume", "close_time_ms", "trade_count"]
    ),
    page_klines=wire.MOST_ROWS,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=TemplateStream,
    rest=rest,
    book_levels=wire.BOOK_LEVELS,
)
