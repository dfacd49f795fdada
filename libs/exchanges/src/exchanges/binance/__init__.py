"""Binance spot."""

from __future__ import annotations

from exchanges.binance import rest, wire
from exchanges.binance.stream import BinanceStream
from exchanges.venue import Venue
from marketstream.klines import Kline

VENUE = Venue(
    name="binance",
    ws_url="wss://stream.binance.com:9443/ws",
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
    rest=rest,
    weight_header="X-MBX-USED-WEIGHT-1M",
    weight_a_minute=6_000,
)
