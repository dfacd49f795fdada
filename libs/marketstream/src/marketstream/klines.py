"""Candles as exchanges publish them: the 12 fields of a Binance kline, as they were sent."""

from __future__ import annotations

import msgspec


class Kline(msgspec.Struct, frozen=True, array_like=True):
    """One interval by the exchange's own account; numbers are decimal text.

    `close_time_ms` is the interval's last millisecond, one less than a Candle's.
    """

    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time_ms: int
    quote_volume: str
    trade_count: int
    taker_buy_volume: str
    taker_buy_quote_volume: str
    ignore: str = "0"
