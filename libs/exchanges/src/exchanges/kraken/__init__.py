"""Kraken spot."""

from __future__ import annotations

from functools import partial

from exchanges.book import Book
from exchanges.checksums import kraken_checksum
from exchanges.kraken import rest, wire
from exchanges.kraken.stream import KrakenStream
from exchanges.venue import MarketInfo, Venue


def _new_book(levels: int, info: MarketInfo | None) -> Book:
    checksum = None
    if info is not None:
        checksum = partial(
            kraken_checksum,
            price_decimals=info.price_decimals,
            quantity_decimals=info.quantity_decimals,
        )
    return Book("window", most=wire.depth_for(levels), checksum=checksum)


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
    new_book=_new_book,
    refuses=rest.refuses,
    rest_interval_s=0.2,  # one a second for each pair is always let in, more are for a while
)
