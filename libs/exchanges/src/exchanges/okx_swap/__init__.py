"""OKX's perpetuals that are settled in the currency they are quoted in."""

from __future__ import annotations

from exchanges.okx import VENUE as SPOT
from exchanges.okx import wire
from exchanges.okx.rest import refuses
from exchanges.okx_swap.rest import SwapRest
from exchanges.okx_swap.stream import SwapStream, SwapWithContext
from exchanges.venue import ContextOf, Venue

VENUE = Venue(
    name="okx-swap",
    ws_url=SPOT.ws_url,
    rest_url=SPOT.rest_url,
    ids="contiguous",
    past="by_id",
    past_trades=None,
    page_trades=wire.MOST_TRADES,
    past_days=wire.PAST_DAYS,
    counts_back=True,
    silence="connection",
    kline_intervals=SPOT.kline_intervals,
    kline_fields=SPOT.kline_fields,
    page_klines=wire.MOST_KLINES,
    quote_times=True,
    most_symbols=wire.MOST_SYMBOLS,
    stream=SwapStream,
    rest=SwapRest(),
    context=ContextOf(
        parts=frozenset(["mark", "index", "funding", "open_interest", "liquidations"]),
        stream=SwapWithContext,
    ),
    in_contracts=True,
    book_levels=wire.MOST_LEVELS,
    new_book=SPOT.new_book,
    refuses=refuses,
    rest_interval_s=SPOT.rest_interval_s,
)
