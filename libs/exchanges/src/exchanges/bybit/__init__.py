"""Bybit spot."""

from __future__ import annotations

from exchanges.book import Book
from exchanges.bybit import wire
from exchanges.bybit.rest import BybitRest, refuses
from exchanges.bybit.stream import BybitStream
from exchanges.venue import MarketInfo, Venue


def new_book(levels: int, info: MarketInfo | None) -> Book:  # noqa: ARG001 - there are no sums
    """Begin a book whose changes are of the levels in view."""
    return Book("window", most=wire.depth_for(levels))


VENUE = Venue(
    name="bybit",
    ws_url=BybitStream.example_url,
    rest_url="https://api.bybit.com",
    ids="ordered",  # they rise, over all symbols together
    past="by_time",
    past_trades=wire.SPOT.most_trades,
    page_trades=wire.SPOT.most_trades,
    silence="connection",
    kline_intervals=frozenset(wire.INTERVALS),
    kline_fields=frozenset(
        ["open_time_ms", "open", "high", "low", "close", "volume", "quote_volume"]
    ),
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=BybitStream,
    rest=BybitRest(wire.SPOT),
    book_levels=wire.DEPTHS[-1],
    new_book=new_book,
    refuses=refuses,
    rest_interval_s=0.02,  # 50 requests a second
)
