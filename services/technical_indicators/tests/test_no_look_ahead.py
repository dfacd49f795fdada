"""No indicator, TA-Lib's or ours, says anything else of a close when what came after is changed."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from marketstream.columns import CandleColumns, Floats
from technical_indicators.batch import feature_columns
from technical_indicators.catalogue import configurable, indicator
from technical_indicators.feature_set import FeatureSet, FeatureSettings
from technical_indicators.leader_columns import PairColumns
from technical_indicators.leader_indicator import LeaderIndicator
from technical_indicators.port import BASE_COLUMNS, COLUMNS, Batched

NAMES = configurable()
ROWS, FROM_ROW, CUTS = 2_000, 20_000, 4
LEVELS = 10
FILE = "candles/binance-usdm-NEARUSDT-1m-2024-11-full.csv.gz"

type Columns = Mapping[str, Floats]


@cache
def made_up() -> Columns:
    return other_future(ROWS, np.random.default_rng(1))


@cache
def real(path: Path) -> Columns:
    """Return minutes of a perpetual, from two weeks into its month; the book is made up."""
    with gzip.open(path, "rt") as file:
        table = np.genfromtxt(file, delimiter=",", names=True, max_rows=FROM_ROW + ROWS)[-ROWS:]
    close = table["close"]
    size = np.random.default_rng(2).lognormal(size=(2, ROWS))
    return {
        **other_future(ROWS, np.random.default_rng(2)),
        **{name: table[name] for name in ("open", "high", "low", "close", "volume")},
        "taker_buy_volume": table["taker_buy_volume"],
        "trade_count": table["count"],
        "bid": close - 0.001, "bid_quantity": size[0],
        "ask": close + 0.001, "ask_quantity": size[1],
        "quote_volume": table["quote_volume"],
    }  # fmt: skip


def other_future(rows: int, random: np.random.Generator) -> dict[str, Floats]:
    """Return candles of another market, with prices around 50."""
    close = 50 * np.exp(np.cumsum(random.normal(0, 2e-3, rows)))
    opened = np.roll(close, 1)
    reach = np.abs(random.normal(0, 0.05, (2, rows)))
    volume = random.lognormal(size=rows)
    columns = (
        opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close,
        volume, volume * random.random(rows), 1.0 + random.poisson(3, rows),
        close - 0.01, random.lognormal(size=rows), close + 0.01, random.lognormal(size=rows),
    )  # fmt: skip
    levels = np.arange(LEVELS) / 100
    sizes = random.lognormal(size=(rows, LEVELS, 2))
    depth = np.stack(
        (close[:, None] - 0.01 - levels, sizes[:, :, 0], close[:, None] + 0.01 + levels,
         sizes[:, :, 1]), axis=2,
    )  # fmt: skip
    opened_ms = 250.0 * np.arange(rows)
    told_us = 1_000 * (opened_ms + 250 - random.integers(1, 250, rows))
    rate, interest = random.normal(0, 1e-4, rows), 1_000 + random.random(rows)
    bought, sold = np.cumsum(random.random((2, rows)), axis=1)
    context = np.column_stack(
        (close + 0.02, told_us, close - 0.02, told_us, rate, told_us, told_us + 1e9, interest,
         told_us, bought, sold, np.zeros(rows), told_us),
    )  # fmt: skip
    of_base = (
        opened_ms, opened_ms + 250, volume * close, close - 0.01, close + 0.01, depth,
        1_000 * (opened_ms + 250 - random.integers(1, 250, rows)), context,
    )  # fmt: skip
    return dict(zip((*COLUMNS, *BASE_COLUMNS), (*columns, *of_base), strict=True))


def candles_of(columns: Columns, timeframe: str, length_ms: int) -> CandleColumns:
    known: dict[str, Any] = {n: c for n, c in columns.items() if not n.endswith("time_ms")}
    times = length_ms * np.arange(ROWS, dtype=np.int64)
    return CandleColumns(
        timeframe=timeframe, open_time_ms=times, close_time_ms=times + length_ms,
        taker_buy_quote_volume=columns["volume"], complete=np.ones(ROWS, np.bool_), **known,
    )  # fmt: skip


class Led:
    """An indicator of a leader, beside a market of which all stays as it is."""

    digest = ""

    def __init__(self, judged: LeaderIndicator) -> None:
        self._judged = judged
        self.names, self.lookback = judged.names, judged.lookback

    def batch(self, columns: Columns) -> list[Floats]:
        own, leader = (candles_of(each, "250ms", 250) for each in (made_up(), columns))
        return [self._judged.series(PairColumns(own, leader))]


def judged_of(name: str) -> Batched:
    found = indicator(name)
    return Led(found) if isinstance(found, LeaderIndicator) else found


def changed_after(columns: Columns, cut: int, future: Columns) -> dict[str, Floats]:
    return {
        name: np.concatenate((column[:cut], future[name][: len(column) - cut]))
        for name, column in columns.items()
    }


def check_looks_at_no_future(judged: Batched, columns: Columns, seed: int) -> None:
    """Raise AssertionError where a value is another once everything after it is changed."""
    random = np.random.default_rng(seed)
    whole = judged.batch(columns)
    cuts = {judged.lookback + 1, ROWS - 1, *random.integers(1, ROWS, CUTS).tolist()}
    nothing = {
        name: column if name.endswith("time_ms") else np.full(column.shape, np.nan)
        for name, column in columns.items()
    }
    for cut in sorted(cuts):
        for future in (other_future(ROWS, random), nothing):
            changed = judged.batch(changed_after(columns, cut, future))
            for name, one, other in zip(judged.names, whole, changed, strict=True):
                assert one[:cut].tobytes() == other[:cut].tobytes(), f"{name} at {cut}"


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_after_changes_nothing_of_made_up_candles(name: str) -> None:
    check_looks_at_no_future(judged_of(name), made_up(), crc32(name.encode()))


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_what_comes_after_changes_nothing_of_real_candles(name: str, market_data: Path) -> None:
    check_looks_at_no_future(judged_of(name), real(market_data / FILE), crc32(name.encode()))


def test_the_whole_vector_looks_at_no_future() -> None:
    feature_set = FeatureSet("1m", "1m", FeatureSettings())
    random = np.random.default_rng(3)
    whole = vectors(made_up(), feature_set)
    for cut in random.integers(1, ROWS, CUTS).tolist():
        changed = vectors(changed_after(made_up(), cut, other_future(ROWS, random)), feature_set)
        assert whole[:cut].tobytes() == changed[:cut].tobytes()


def vectors(columns: Columns, feature_set: FeatureSet) -> Floats:
    candles = candles_of(columns, "1m", 60_000)
    return feature_columns(candles, candles, feature_set).values


class Centred:
    """The mean of a close and its neighbours, as smoothed labels are often made."""

    names: tuple[str, ...] = ("centred",)
    lookback = 1
    digest = ""

    def batch(self, columns: Columns) -> list[Floats]:
        return [np.convolve(columns["close"], np.ones(3) / 3, "same")]


def test_one_that_looks_ahead_is_found_out_by_name() -> None:
    with pytest.raises(AssertionError, match="centred at"):
        check_looks_at_no_future(Centred(), made_up(), 1)
