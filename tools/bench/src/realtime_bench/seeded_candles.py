"""What features are made of: a seeded random walk's candles, as columns and as messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from marketstream.columns import CandleColumns
from marketstream.messages import Candle, Depth
from marketstream.timeframes import timeframe_ms
from realtime_bench.seeded_trades import MARKET

_TRADED = 0.7  # the share of candles in which takers bought, and of those in which they sold
_START_MS = 1_704_067_200_000  # 2024
_BOOK = ("bid", "bid_quantity", "ask", "ask_quantity")
_NAMES = (
    "open_time_ms", "close_time_ms", "open", "high", "low", "close", "volume", "quote_volume",
    "trade_count", "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


def seeded_candles(
    count: int, timeframe: str, *, book: bool = False, levels: int = 0
) -> CandleColumns:
    """Return so many candles, one after the other; each with a book as of its close if wanted.

    With levels of the book come the first prices of buys and sells, where there were any.
    """
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
    candles = replace(
        candles,
        bid=close - 0.01,
        bid_quantity=bid_quantity,
        ask=close + 0.01,
        ask_quantity=ask_quantity,
    )
    if not levels:
        return candles
    depth = np.empty((count, levels, 4))
    depth[:, :, 1], depth[:, :, 3] = random.lognormal(size=(2, count, levels))
    for number in range(levels):
        depth[:, number, 0] = close - 0.01 * (number + 1)
        depth[:, number, 2] = close + 0.01 * (number + 1)
    bought, sold = random.random((2, count)) < _TRADED
    return replace(
        candles,
        first_buy=np.where(bought, close + 0.01, np.nan),
        first_sell=np.where(sold, close - 0.01, np.nan),
        depth=depth,
        depth_time_us=(1_000 * (candles.close_time_ms - 1)).astype(np.float64),
    )


def messages_of(candles: CandleColumns) -> list[Candle]:
    """Return seeded candles that have a book as closed candles of a market."""
    names = (*_NAMES, *_BOOK)
    rows = zip(*(getattr(candles, name).tolist() for name in names), strict=True)
    messages = [
        Candle(market=MARKET, timeframe=candles.timeframe, **dict(zip(names, row, strict=True)))
        for row in rows
    ]
    return messages if candles.depth is None else list(_with_levels(messages, candles))


def _with_levels(messages: Sequence[Candle], candles: CandleColumns) -> Iterator[Candle]:
    assert candles.depth is not None
    for row, message in enumerate(messages):
        depth = candles.depth[row].tolist()
        prints = {
            name: float(price)
            for name in ("first_buy", "first_sell")
            if not np.isnan(price := getattr(candles, name)[row])
        }
        yield structs.replace(
            message,
            depth=Depth(
                tuple((bid, bids) for bid, bids, _, _ in depth),
                tuple((ask, asks) for _, _, ask, asks in depth),
                1_000 * (message.close_time_ms - 1),
            ),
            **prints,
        )
