"""Candles as an exchange's klines: twelve columns, as exact text or as floats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from candles.columnar import CandleColumns, Units, to_floats

KLINE_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip


def kline_rows(candles: CandleColumns) -> Iterator[tuple[str, ...]]:
    """Yield each candle as text: times in ms, numbers exact and plain, without trailing zeros.

    The close time is the interval's last ms, as exchanges have it.
    """
    price, quantity = candles.price_decimals, candles.quantity_decimals
    return zip(
        map(str, candles.open_time_ms.tolist()),
        _plain(candles.open, price),
        _plain(candles.high, price),
        _plain(candles.low, price),
        _plain(candles.close, price),
        _plain(candles.volume, quantity),
        map(str, (candles.close_time_ms - 1).tolist()),
        _plain(candles.quote_volume, price + quantity),
        map(str, candles.trade_count.tolist()),
        _plain(candles.taker_buy_volume, quantity),
        _plain(candles.taker_buy_quote_volume, price + quantity),
        repeat("0", len(candles)),
        strict=True,
    )


def kline_arrays(candles: CandleColumns) -> dict[str, NDArray[np.int64] | NDArray[np.float64]]:
    """Return the twelve columns by name: times in ms and count as integers, the rest as floats."""
    price, quantity = candles.price_decimals, candles.quantity_decimals
    return {
        "open_time": candles.open_time_ms,
        "open": to_floats(candles.open, price),
        "high": to_floats(candles.high, price),
        "low": to_floats(candles.low, price),
        "close": to_floats(candles.close, price),
        "volume": to_floats(candles.volume, quantity),
        "close_time": candles.close_time_ms - 1,
        "quote_volume": to_floats(candles.quote_volume, price + quantity),
        "count": candles.trade_count,
        "taker_buy_volume": to_floats(candles.taker_buy_volume, quantity),
        "taker_buy_quote_volume": to_floats(candles.taker_buy_quote_volume, price + quantity),
        "ignore": np.zeros(len(candles), np.int64),
    }


def _plain(units: Units, decimals: int) -> Iterator[str]:
    if not decimals:
        return map(str, units.tolist())
    return (_with_point(str(value).rjust(decimals + 1, "0"), decimals) for value in units.tolist())


def _with_point(digits: str, decimals: int) -> str:
    fraction = digits[-decimals:].rstrip("0")
    whole = digits[:-decimals]
    return f"{whole}.{fraction}" if fraction else whole
