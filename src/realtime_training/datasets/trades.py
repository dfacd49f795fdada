"""Files of trades as candles with the first prints on both sides, for the fair mid."""

from __future__ import annotations

import numpy as np

from candles.columnar import CandleColumns, fold, to_floats
from marketstream.columns import Floats
from marketstream.readers import TradeTable
from marketstream.readers.table import in_order
from marketstream.timeframes import timeframe_ms
from realtime_training.datasets.arrays import CandleArrays


def candles_of(trades: TradeTable, timeframe: str) -> CandleArrays:
    """Return the candles of a timeframe, without a gap from the first trade to the last."""
    folded = fold(trades, timeframe, consecutive_ids=trades.consecutive)
    price, quantity = folded.price_decimals, folded.quantity_decimals
    sided = bool((trades.taker != 0).any())
    taker_buy = to_floats(folded.taker_buy_volume, quantity)
    return CandleArrays(
        timeframe=timeframe,
        open_time_ms=folded.open_time_ms,
        columns={
            "open": to_floats(folded.open, price),
            "high": to_floats(folded.high, price),
            "low": to_floats(folded.low, price),
            "close": to_floats(folded.close, price),
            "volume": to_floats(folded.volume, quantity),
            "taker_buy_volume": taker_buy if sided else np.full(len(folded), np.nan),
            "trade_count": folded.trade_count.astype(np.float64),
        },
        complete=folded.complete,
        first_buy=_first_prints(trades, folded, timeframe, 1) if sided else None,
        first_sell=_first_prints(trades, folded, timeframe, -1) if sided else None,
    )


def _first_prints(trades: TradeTable, candles: CandleColumns, timeframe: str, taker: int) -> Floats:
    """Return the first price of a side in each candle, NaN where none traded."""
    trades = in_order(trades)
    chosen = np.flatnonzero(trades.taker == taker)
    opened_ms = trades.time_us[chosen] // 1_000 // timeframe_ms(timeframe) * timeframe_ms(timeframe)
    is_first = np.diff(opened_ms, prepend=-1) != 0
    prints = np.full(len(candles), np.nan)
    rows = np.searchsorted(candles.open_time_ms, opened_ms[is_first])
    prints[rows] = to_floats(trades.price[chosen[is_first]], trades.price_decimals)
    return prints
