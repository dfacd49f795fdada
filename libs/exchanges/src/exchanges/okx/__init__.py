"""OKX spot."""

from __future__ import annotations

from exchanges.book import Book
from exchanges.checksums import okx_checksum
from exchanges.okx import wire
from exchanges.okx.rest import OkxRest, refuses
from exchanges.okx.stream import OkxStream
from exchanges.venue import MarketInfo, Venue


def _new_book(levels: int, info: MarketInfo | None) -> Book:  # noqa: ARG001 - sums are of texts
    few = levels <= wire.FEW_LEVELS
    return Book("window", most=wire.FEW_LEVELS if few else wire.MOST_LEVELS, checksum=okx_checksum)


VENUE = Venue(
    name="okx",
    ws_url="wss://ws.okx.com:8443/ws/v5/public",
    rest_url="https://www.okx.com",
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_TRADES,
    past_days=wire.PAST_DAYS,
    counts_back=True,
    silence="connection",
    kline_intervals=frozenset(wire.BARS),
    kline_fields=frozenset(
        ["open_time_ms", "open", "high", "low", "close", "volume", "quote_volume"]
    ),
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=OkxStream,
    rest=OkxRest(),
    book_levels=wire.MOST_LEVELS,
    new_book=_new_book,
    refuses=refuses,
    rest_interval_s=0.1,  # 20 requests in 2 s
)
