"""Files of candles: CSV with a header or in Binance's archive form, Parquet, Feather."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from marketstream.columns import Floats, Times
from marketstream.errors import InputError, SettingsError
from marketstream.timeframes import timeframe_ms
from realtime_training.datasets.arrays import CandleArrays
from realtime_training.datasets.contents import Columns, columns_in

_NAMES: Mapping[str, tuple[str, ...]] = {  # as plain letters; the first that is there counts
    "time": ("opentime", "timestamp", "datetime", "date", "time", "unix", "ts", "start"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol", "basevolume", "volumebtc"),
    "taker_buy_volume": (
        "takerbuyvolume", "takerbuybaseassetvolume", "takerbuybasevolume", "takerbuybase",
    ),
    "trade_count": ("count", "numberoftrades", "tradecount", "trades", "tradecounts"),
}  # fmt: skip
_NEEDED = ("time", "open", "high", "low", "close", "volume")
_UNITS = (("s", 1e11, 1_000.0), ("ms", 1e14, 1.0), ("us", 1e17, 1e-3), ("ns", np.inf, 1e-6))
_LENGTHS = {86_400_000: "d", 3_600_000: "h", 60_000: "m", 1_000: "s", 1: "ms"}


def read_candles(files: Sequence[Path]) -> tuple[CandleArrays, int]:
    """Return the candles of all files, of several the last, and how many rows are left out.

    The timeframe is the one that all opening times are multiples apart. Raises InputError, naming
    the file and a remedy, where one cannot be read, or the times fit no timeframe.
    """
    parts = [_usable(_roles(columns_in(file), file), file) for file in files]
    left_out = sum(wrong for _, wrong in parts)
    joined = {name: np.concatenate([part[name] for part, _ in parts]) for name in _NAMES}
    times = joined.pop("time").astype(np.int64)
    # Of several candles of one time the last that was read counts.
    opened, reversed_row = np.unique(times[::-1], return_index=True)
    rows = len(times) - 1 - reversed_row
    if len(opened) < 2:
        raise InputError(f"{_listed(files)}: {len(opened)} usable candles: give more")
    timeframe = _timeframe(opened, files)
    return CandleArrays(
        timeframe=timeframe,
        open_time_ms=opened,
        columns={name: column[rows] for name, column in joined.items()},
        complete=np.ones(len(rows), np.bool_),
    ), left_out + len(times) - len(rows)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _roles(columns: Columns, file: Path) -> dict[str, Any]:
    plain = {_plain(name): column for name, column in reversed(columns.items())}
    found = {
        role: next((plain[name] for name in names if name in plain), None)
        for role, names in _NAMES.items()
    }
    missing = [role for role in _NEEDED if found[role] is None]
    if missing:
        raise InputError(
            f"{file}: no column holds the candle's {' or its '.join(missing)} (there are "
            f"{', '.join(columns)[:200]}): name columns open_time, open, high, low, close, volume"
        )
    return found


def _usable(columns: dict[str, Any], file: Path) -> tuple[dict[str, Floats], int]:
    """Return the columns as floats, times in ms, and how many rows make no sense."""
    times = columns.pop("time")
    given = [column for column in columns.values() if column is not None]
    rows = len(given[0])
    read = {
        name: np.full(rows, np.nan) if column is None else _floats(column, file)
        for name, column in columns.items()
    }
    read["time"] = _times_ms(times, file)
    prices = np.stack([read[name] for name in ("open", "high", "low", "close")])
    right = (prices > 0).all(axis=0) & np.isfinite(prices).all(axis=0)
    right &= (read["high"] == prices.max(axis=0)) & (read["low"] == prices.min(axis=0))
    right &= np.isfinite(read["time"]) & (read["volume"] >= 0)
    return {name: column[right] for name, column in read.items()}, int((~right).sum())


def _floats(column: Any, file: Path) -> Floats:
    try:
        return np.asarray(column, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: a column of numbers holds something else ({error})") from error


def _times_ms(column: Any, file: Path) -> Floats:
    """Return dates, or numbers in s, ms, us or ns by their size, as ms."""
    values = np.asarray(column)
    if values.dtype.kind == "M":
        known = ~np.isnat(values)
        times = values.astype("datetime64[ms]").astype(np.int64).astype(np.float64)
        return np.where(known, times, np.nan)
    times = _floats(values, file)
    largest = float(np.nanmax(times, initial=0))
    return times * next(factor for _, below, factor in _UNITS if largest < below)


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
