"""Binance spot."""

from __future__ import annotations

from exchanges.binance import wire
from exchanges.binance.rest import BinanceRest
from exchanges.binance.stream import BinanceStream
from exchanges.book import Book
from exchanges.venue import Host, MarketInfo, Venue
from marketstream.klines import Kline

_REST = BinanceRest()


def best_levels(levels: int, info: MarketInfo | None) -> Book:  # noqa: ARG001 - there are no sums
    """Begin a book of which the best levels come whole, or a snapshot and all changes."""
    return Book("snapshot")


VENUE = Venue(
    name="binance",
    ws_url=BinanceStream.example_url,
    rest_url="https://api.binance.com",
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_ROWS,
    silence="connection",
    kline_intervals=frozenset(wire.INTERVALS) - {"3d", "1w", "1M"},  # no timeframes of ours
    kline_fields=frozenset(Kline.__struct_fields__) - {"ignore"},
    page_klines=wire.MOST_ROWS,
    quote_times=False,
    most_symbols=wire.MOST_STREAMS // 2,
    stream=BinanceStream,
    rest=_REST,
    other_hosts=(  # for market data only; binance.us is another exchange, with trades of its own
        Host("wss://data-stream.binance.vision/ws", "https://data-api.binance.vision"),
    ),
    book_levels=wire.BOOK_LEVELS[-1],
    book=_REST,
    new_book=best_levels,
    weight_header="X-MBX-USED-WEIGHT-1M",
    weight_a_minute=6_000,
    market_infos_request=_REST.market_infos_request,
)
