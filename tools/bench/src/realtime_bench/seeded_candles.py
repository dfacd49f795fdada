"""What features are made of: a seeded random walk's candles, as columns and as messages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marketstream.columns import CandleColumns
from marketstream.messages import Candle
from marketstream.timeframes import timeframe_ms
from realtime_bench.seeded_trades import MARKET

_START_MS = 1_704_067_200_000  # 2024
_BOOK = ("bid", "bid_quantity", "ask", "ask_quantity")
_NAMES = (
    "open_time_ms", "close_time_ms", "open", "high", "low", "close", "volume", "quote_volume",
    "trade_count", "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


def seeded_candles(count: int, timeframe: str, *, book: bool = False) -> CandleColumns:
    """Return so many candles, one after the other; each with a book as of its close if wanted."""
    random = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(random.normal(0, 1e-3, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.abs(random.normal(0, 0.05, (2, count)))
    volume = random.lognormal(size=count)
    taker_buy_volume = volume * random.random(count)
    length_ms = timeframe_ms(timeframe)
    open_time_ms = _START_MS + length_ms * np.arange(count, dtype=np.int64)
    candles = CandleColumns(
        timeframe=timeframe,
        open_time_ms=open_time_ms,
        close_time_ms=open_time_ms + length_ms,
        open=opened,
        high=np.maximum(opened, close) + reach[0],
        low=np.minimum(opened, close) - reach[1],
        close=close,
        volume=volume,
        quote_volume=volume * close,
        trade_count=random.integers(1, 100, count).astype(np.float64),
        taker_buy_volume=taker_buy_volume,
        taker_buy_quote_volume=taker_buy_volume * close,
        complete=np.ones(count, np.bool_),
    )
    if not book:
        return candles
    bid_quantity, ask_quantity = random.lognormal(size=(2, count))
    return replace(
        candles,
        bid=close - 0.01,
        bid_quantity=bid_quantity,
        ask=close + 0.01,
        ask_quantity=ask_quantity,
    )


def messages_of(candles: CandleColumns) -> list[Candle]:
    """Return seeded candles that have a book as closed candles of a market."""
    names = (*_NAMES, *_BOOK)
    rows = zip(*(getattr(candles, name).tolist() for name in names), strict=True)
    return [
        Candle(market=MARKET, timeframe=candles.timeframe, **dict(zip(names, row, strict=True)))
        for row in rows
    ]
