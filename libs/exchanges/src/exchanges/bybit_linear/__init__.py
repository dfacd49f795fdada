"""Bybit's perpetuals that are settled in the currency they are quoted in."""

from __future__ import annotations

from exchanges.bybit import VENUE as SPOT
from exchanges.bybit import wire
from exchanges.bybit.rest import BybitRest, refuses
from exchanges.bybit_linear.stream import LinearStream, LinearWithContext
from exchanges.venue import ContextOf, Venue

VENUE = Venue(
    name="bybit-linear",
    ws_url=LinearStream.example_url,
    rest_url=SPOT.rest_url,
    ids="opaque",  # numbers made of UUIDs
    past="by_time",
    past_trades=wire.LINEAR.most_trades,
    page_trades=wire.LINEAR.most_trades,
    silence="connection",
    kline_intervals=SPOT.kline_intervals,
    kline_fields=SPOT.kline_fields,
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=LinearStream,
    rest=BybitRest(wire.LINEAR),
    context=ContextOf(
        parts=frozenset(["mark", "index", "funding", "open_interest", "liquidations"]),
        stream=LinearWithContext,
    ),
    book_levels=wire.DEPTHS[-1],
    new_book=SPOT.new_book,
    refuses=refuses,
    rest_interval_s=SPOT.rest_interval_s,
)
