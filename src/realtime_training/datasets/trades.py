"""Files of trades as candles with the first prints on both sides, for the fair mid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from candles.columnar import fold
from marketstream.columns import CandleColumns, Floats, to_floats
from marketstream.readers import TradeTable
from marketstream.readers.table import in_order
from marketstream.timeframes import timeframe_ms


def candles_of(trades: TradeTable, timeframe: str) -> CandleColumns:
    """Return the candles of a timeframe, without a gap from the first trade to the last.

    Where no trade has a side, nobody knows what takers bought.
    """
    candles = fold(trades, timeframe, consecutive_ids=trades.consecutive)
    if not (trades.taker != 0).any():
        unknown = np.full(len(candles), np.nan)
        return replace(candles, taker_buy_volume=unknown, taker_buy_quote_volume=unknown)
    return replace(
        candles,
        first_buy=_first_prints(trades, candles, 1),
        first_sell=_first_prints(trades, candles, -1),
    )


def _first_prints(trades: TradeTable, candles: CandleColumns, taker: int) -> Floats:
    """Return the first price of a side in each candle, NaN where none traded."""
    trades = in_order(trades)
    chosen = np.flatnonzero(trades.taker == taker)
    length_ms = timeframe_ms(candles.timeframe)
    opened_ms = trades.time_us[chosen] // 1_000 // length_ms * length_ms
    is_first = np.diff(opened_ms, prepend=-1) != 0
    prints = np.full(len(candles), np.nan)
    rows = np.searchsorted(candles.open_time_ms, opened_ms[is_first])
    prints[rows] = to_floats(trades.price[chosen[is_first]], trades.price_decimals)
    return prints
