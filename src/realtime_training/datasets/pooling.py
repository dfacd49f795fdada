"""Several markets in one dataset: each on a scale of its own, all of them split at one time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from marketstream.columns import FeatureTable, Floats
from marketstream.errors import InputError
from marketstream.readers import kind_of
from marketstream.readers.names import market_in_name
from predictor.training.dataset import Dataset
from realtime_training.datasets.loading import Recorded

LEAST = 500  # rows of a market before one that tell its scale


def files_by_market(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Return files of candles by the market in their names; InputError where that cannot be."""
    markets: dict[str, list[Path]] = {}
    for file in files:
        market = market_in_name(file.name)
        if kind_of(file) != "candles" or market is None:
            raise InputError(
                f"{file}: --pool takes candles whose names say the market, like BTCUSDT-1m.csv"
            )
        markets.setdefault(market, []).append(file)
    if len(markets) < 2:
        raise InputError(f"--pool: all files are of {next(iter(markets))}: give several markets'")
    return markets


def pooled(parts: Sequence[Recorded]) -> Recorded:
    """Return the datasets of several markets as one; InputError where they do not go together."""
    for what in ("timeframe", "label", "feature_set"):
        found = sorted({str(getattr(part, what)) for part in parts})
        if len(found) > 1:
            raise InputError(f"--pool: {what} is {' and '.join(found)}: give files of one")
    parts = [replace(part, table=_scaled(part.table)) for part in parts]
    first = parts[0]
    order = np.argsort(np.concatenate([part.table.close_time_ms for part in parts]), kind="stable")

    def column(of: Callable[[FeatureTable], Floats]) -> Floats:
        return np.concatenate([of(part.table) for part in parts])[order]

    used = [name for name in first.used if all(name in part.used for part in parts)]
    return replace(
        first,
        symbol=" + ".join(str(part.symbol) for part in parts),
        table=FeatureTable(
            close_time_ms=np.concatenate([part.table.close_time_ms for part in parts])[order],
            names=first.table.names,
            values=column(lambda table: table.values),
            bid=column(lambda table: table.bid),
            ask=column(lambda table: table.ask),
            close=column(lambda table: table.close),
            complete=np.concatenate([part.table.complete for part in parts])[order],
        ),
        used=tuple(used),
        unused={name: reason for part in parts for name, reason in part.unused.items()},
        identity=sha256("".join(part.identity for part in parts).encode()).hexdigest(),
        cached=all(part.cached for part in parts),
        remarks=tuple(f"{part.symbol}: {each}" for part in parts for each in part.remarks),
        parts=tuple(parts),
    )


def pooled_rows(parts: Sequence[Dataset]) -> Dataset:
    """Return the rows of several markets in the order of time.

    The n-th market's are n ms later, so that each has a time of its own, and a split at any time
    is one for all of them.
    """
    times = np.concatenate([part.times_ms + number for number, part in enumerate(parts)])
    order = np.argsort(times, kind="stable")
    ends = np.concatenate([part.ends_ms + number for number, part in enumerate(parts)])

    def column(of: Callable[[Dataset], Floats]) -> Floats:
        return np.concatenate([of(part) for part in parts])[order]

    return replace(
        parts[0],
        values=column(lambda part: part.values),
        times_ms=times[order],
        ends_ms=ends[order],
        returns=column(lambda part: part.returns),
        ways=column(lambda part: part.ways),
        previous=column(lambda part: part.previous),
        spread_bps=column(lambda part: part.spread_bps),
        incomplete=sum(part.incomplete for part in parts),
        unlabelled=sum(part.unlabelled for part in parts),
    )


def _scaled(table: FeatureTable) -> FeatureTable:
    """Return features less their mean, in their deviations, both of the rows before alone."""
    values = table.values
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    count = _before(known.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _before(filled) / count
        variance = _before(filled**2) / count - mean**2
        scaled = (values - mean) / np.sqrt(variance)
    is_told = (count >= LEAST) & (variance > 1e-12 * (1 + mean**2))
    return replace(table, values=np.where(is_told, scaled, np.nan))


def _before(values: Floats) -> Floats:
    """Return the sum of all rows before each."""
    sums = np.cumsum(values, axis=0)
    return np.vstack([np.zeros((1, values.shape[1])), sums[:-1]])[: len(values)]
