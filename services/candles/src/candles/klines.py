"""Candles as an exchange's klines: twelve columns, as exact text or as floats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import numpy as np

from marketstream.columns import CandleColumns, Floats, Integers, Units

KLINE_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip


def kline_rows(candles: CandleColumns) -> Iterator[tuple[str, ...]]:
    """Yield each candle as text: times in ms, numbers exact and plain, without trailing zeros.

    The close time is the interval's last ms, as exchanges have it.
    """

    def plain(name: str) -> Iterator[str]:
        return _plain(getattr(candles, name), candles.decimals(name))

    return zip(
        map(str, candles.open_time_ms.tolist()),
        *map(plain, KLINE_COLUMNS[1:6]),
        map(str, (candles.close_time_ms - 1).tolist()),
        plain("quote_volume"),
        plain("trade_count"),
        plain("taker_buy_volume"),
        plain("taker_buy_quote_volume"),
        repeat("0", len(candles)),
        strict=True,
    )


def kline_arrays(candles: CandleColumns) -> dict[str, Integers | Floats]:
    """Return the twelve columns by name: times in ms and count as integers, the rest as floats."""
    return {
        "open_time": candles.open_time_ms,
        **{name: candles.floats(name) for name in KLINE_COLUMNS[1:6]},
        "close_time": candles.close_time_ms - 1,
        "quote_volume": candles.floats("quote_volume"),
        "count": candles.trade_count,
        "taker_buy_volume": candles.floats("taker_buy_volume"),
        "taker_buy_quote_volume": candles.floats("taker_buy_quote_volume"),
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
