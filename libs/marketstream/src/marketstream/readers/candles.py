"""Candles from any file that holds them, as columns of floats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from marketstream.errors import InputError
from marketstream.readers.candle_columns import CANDLES, Floats, read_candle_part
from marketstream.readers.grammar import Reading
from marketstream.readers.markets import nothing_in, read_files
from marketstream.readers.numbers import Flags, Integers
from marketstream.readers.opening import blocks_in

_FARTHEST_APART = 0.1  # that two writings of one candle may be; those of two markets are farther


@dataclass(frozen=True, slots=True)
class CandleTable:
    """The candles of one market in order of time, one for each opening time.

    `columns` has open, high, low, close, volume, taker_buy_volume and trade_count, NaN where a file
    does not say. `doubted` marks those that were there several times and not the same; `repeated`
    counts rows that were there before. `unusable`, `ignored` and `lost_us` are as in `TradeTable`.
    """

    open_time_us: Integers
    columns: Mapping[str, Floats]
    doubted: Flags
    repeated: int
    symbol: str | None
    unusable: Counter[str]
    ignored: Counter[str]
    lost_us: Integers

    def __len__(self) -> int:
        return len(self.open_time_us)


def read_candles(paths: Sequence[Path], *, symbol: str | None = None) -> CandleTable:
    """Read the candles of one market; of several with one opening time the last that is read.

    `symbol` chooses among several and may be left out where there is one. Raises InputError, naming
    files and a remedy, where one cannot be read, or where they are of several markets.
    """
    reading = Reading(wanted=symbol)

    def read(stream: IO[bytes], source: str) -> Iterator[dict[str, NDArray[Any]]]:
        for block in blocks_in(stream, source, reading, CANDLES):
            yield read_candle_part(block, reading)

    files = read_files(paths, reading, read)
    parts = [part for file in files for part in file.parts]
    if not sum(len(part["time_us"]) for part in parts):
        raise InputError(nothing_in(paths, reading, "candle") + ": give a table of candles")
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    written = np.repeat(
        np.arange(len(files)), [sum(len(part["time_us"]) for part in file.parts) for file in files]
    )
    times = joined.pop("time_us")
    order = np.argsort(times, kind="stable")
    is_last = np.append(np.diff(times[order]) > 0, [True])
    again = np.flatnonzero(~is_last)  # places in the order of rows that another one follows
    _check_same_market(joined["close"][order], written[order], again, [f.name for f in files])
    differs = np.zeros(len(times), np.bool_)
    for column in joined.values():
        one, other = column[order[again]], column[order[again + 1]]
        differs[again] |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    rows = order[is_last]
    starts = np.append([0], np.flatnonzero(is_last)[:-1] + 1)
    names = [name for name in reading.symbols.values() if name]
    opened = times[rows]
    return CandleTable(
        open_time_us=opened,
        columns={name: column[rows] for name, column in joined.items()},
        doubted=np.logical_or.reduceat(differs, starts),
        repeated=len(again),
        symbol=symbol or (names[0] if names else None),
        unusable=reading.unusable,
        ignored=reading.ignored,
        lost_us=np.concatenate([file.losses.spans_us(opened) for file in files]),
    )


def _check_same_market(
    close: Floats, file: NDArray[np.intp], again: NDArray[np.intp], names: Sequence[str]
) -> None:
    """Raise InputError where most candles that two files both hold are far from each other."""
    pairs = again[file[again] != file[again + 1]]
    apart = np.abs(close[pairs] / close[pairs + 1] - 1)
    if len(pairs) and float(np.median(apart)) > _FARTHEST_APART:
        one, other = names[int(file[pairs[0]])], names[int(file[pairs[0] + 1])]
        raise InputError(
            f"{one} and {other}: candles of the same times with other prices, so of two markets: "
            "give files of one market, or choose one with --symbol where a column says it"
        )
