"""Binance USDⓈ-M: perpetuals that are settled in the currency they are quoted in."""

from __future__ import annotations

from exchanges.binance import VENUE as SPOT
from exchanges.binance import best_levels, wire
from exchanges.binance_usdm.rest import UsdmRest
from exchanges.binance_usdm.stream import UsdmContext, UsdmStream, UsdmWithContext
from exchanges.venue import ContextOf, Venue

_REST = UsdmRest()

VENUE = Venue(
    name="binance-usdm",
    ws_url=UsdmStream.example_url,
    rest_url="https://fapi.binance.com",
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_ROWS,
    silence="connection",
    kline_intervals=SPOT.kline_intervals - {"1s"},
    kline_fields=SPOT.kline_fields,
    page_klines=wire.MOST_ROWS,
    quote_times=True,
    most_symbols=SPOT.most_symbols,
    stream=UsdmStream,
    rest=_REST,
    book_levels=wire.BOOK_LEVELS[-1],
    book=_REST,
    new_book=best_levels,
    weight_header=SPOT.weight_header,
    weight_a_minute=2_400,
    context=ContextOf(
        parts=frozenset(["mark", "index", "funding", "open_interest", "liquidations"]),
        stream=UsdmWithContext,
        apart=UsdmContext,
        request=_REST.open_interest_request,
    ),
    past_resolution_ms=100,  # aggTrades are of one taker at one price within 100 ms
)
