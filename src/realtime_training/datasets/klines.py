"""Files of candles as candles of one timeframe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marketstream.columns import CandleColumns, Times
from marketstream.errors import InputError, SettingsError
from marketstream.readers.candles import CandleTable, read_candles
from marketstream.readers.losses import overlapping
from marketstream.timeframes import timeframe_ms

_LENGTHS = {86_400_000: "d", 3_600_000: "h", 60_000: "m", 1_000: "s", 1: "ms"}


@dataclass(frozen=True, slots=True)
class Klines:
    """The candles of files, and what they were read from."""

    candles: CandleColumns
    table: CandleTable

    def remarks(self) -> tuple[str, ...]:
        """Return a line for each kind of row that was left out."""
        table = self.table
        kinds = [*table.unusable.items(), *table.ignored.items()]
        if table.repeated:
            kinds.append(("candle that repeats", table.repeated))
        return tuple(f"left out: {count:,} x {reason}" for reason, count in kinds)


def read_klines(files: Sequence[Path], *, symbol: str | None = None) -> Klines:
    """Return the candles of one market in all files.

    The timeframe is the one that all opening times are multiples apart. A candle is not complete
    where a row was lost that may have been of its interval, nor where two writings of it differ.
    Raises InputError, naming the file and a remedy, where one cannot be read, or the times fit no
    timeframe.
    """
    table = read_candles(files, symbol=symbol)
    opened_ms = table.open_time_us // 1_000
    if len(table) < 2:
        raise InputError(f"{_listed(files)}: {len(table)} usable candles: give more")
    timeframe = _timeframe(opened_ms, files)
    close_us = table.open_time_us + timeframe_ms(timeframe) * 1_000
    lost = overlapping(table.open_time_us, close_us, table.lost_us)
    columns, unknown = table.columns, np.full(len(table), np.nan)
    return Klines(
        CandleColumns(
            timeframe=timeframe,
            open_time_ms=opened_ms,
            close_time_ms=close_us // 1_000,
            open=columns["open"],
            high=columns["high"],
            low=columns["low"],
            close=columns["close"],
            volume=columns["volume"],
            quote_volume=unknown,
            trade_count=columns["trade_count"],
            taker_buy_volume=columns["taker_buy_volume"],
            taker_buy_quote_volume=unknown,
            complete=~lost & ~table.doubted,
        ),
        table,
    )


def _timeframe(opened_ms: Times, files: Sequence[Path]) -> str:
    step_ms = int(np.gcd.reduce(np.diff(opened_ms)))
    unit_ms = next(unit for unit in _LENGTHS if step_ms % unit == 0)
    text = f"{step_ms // unit_ms}{_LENGTHS[unit_ms]}"
    try:
        timeframe_ms(text)
    except SettingsError as error:
        raise InputError(
            f"{_listed(files)}: the opening times are {step_ms} ms or multiples apart, which is no "
            "timeframe: give candles of one timeframe, a market at a time"
        ) from error
    return text


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files))
