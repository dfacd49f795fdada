"""Columns of candles as messages."""

from __future__ import annotations

from math import isnan

from marketstream.columns import CANDLE_COLUMNS, CandleColumns
from marketstream.messages import Candle

_PRINTS = ("first_buy", "first_sell")


def messages_of(candles: CandleColumns, market: str, newest: int) -> list[Candle]:
    """Return the newest candles as messages without a book; NaN stays where a sum is not known."""
    recent = candles.rows(slice(max(0, len(candles) - newest), None))
    columns = {name: recent.floats(name).tolist() for name in CANDLE_COLUMNS}
    for name in _PRINTS:
        columns[name] = [None if isnan(each) else each for each in recent.floats(name).tolist()]
    return [
        Candle(
            market=market, timeframe=candles.timeframe,
            open_time_ms=open_time_ms, close_time_ms=close_time_ms, complete=complete,
            **dict(zip(columns, row, strict=True)),
        )
        for open_time_ms, close_time_ms, complete, *row in zip(
            recent.open_time_ms.tolist(), recent.close_time_ms.tolist(), recent.complete.tolist(),
            *columns.values(), strict=True,
        )
    ]  # fmt: skip
