"""Realised variance and range are what their definitions say, and unknown where a part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from marketstream.columns import CandleColumns
from marketstream.errors import InputError
from predictor.targets.definitions import ended, floor_of
from predictor.targets.grid import Grid
from predictor.targets.profile import DayProfile
from predictor.targets.rows import rows_of
from predictor.targets.windows import Windows

type MakeCandles = Callable[..., CandleColumns]

CLOSES = 100 * np.exp(np.array([0.0, 0.01, -0.01, 0.02, 0.02, 0.03]))


def test_realised_variance_is_the_sum_of_squared_log_returns(make_candles: MakeCandles) -> None:
    variance = ended(Grid.of(make_candles(CLOSES), "close"), "volatility", 3)
    assert np.isnan(variance[:3]).all()  # the first close has none before it
    squares = np.array([0.01, -0.02, 0.03, 0.0, 0.01]) ** 2
    assert variance[3:] == pytest.approx([squares[i : i + 3].sum() for i in range(3)])


def test_range_is_between_the_extremes_and_the_first_price_is_one_of_them(
    make_candles: MakeCandles,
) -> None:
    candles = make_candles(CLOSES)
    wicked = candles.high.copy()
    wicked[2] = 100 * np.exp(0.05)
    grid = Grid.of(replace(candles, high=wicked), "close")
    assert ended(grid, "range", 2)[2:] == pytest.approx([0.06, 0.06, 0.03, 0.01])


def test_of_a_mid_nothing_is_known_between_closes(make_candles: MakeCandles) -> None:
    candles = replace(make_candles(CLOSES), bid=CLOSES - 1, ask=CLOSES + 1, high=CLOSES * 2)
    assert ended(Grid.of(candles, "mid"), "range", 1)[1:] == pytest.approx(
        [0.01, 0.02, 0.03, 0.0, 0.01]
    )


def test_a_gap_or_an_incomplete_candle_leaves_the_horizons_it_is_in_unknown(
    make_candles: MakeCandles,
) -> None:
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-3, 60)))
    complete = np.ones(60, np.bool_)
    complete[20] = False
    candles = make_candles(closes, complete=complete).rows(np.arange(60) != 40)
    grid = Grid.of(candles, "close")
    assert len(grid) == 60
    for target in ("volatility", "range"):
        unknown = np.flatnonzero(np.isnan(ended(grid, target, 3)))
        # A price that is missing, or cannot be believed, is missing at both of its sides.
        assert unknown.tolist() == [0, 1, 2, 20, 21, 22, 23, 40, 41, 42, 43]
    rows = rows_of(grid, "volatility", step_ms=60_000, horizon_ms=180_000)
    assert (rows.incomplete, rows.unfinished, rows.early) == (7, 3, 3)
    assert len(rows) == 59 - 7 - 3 - 3


def test_the_fair_mid_is_known_when_both_prints_have_come(make_candles: MakeCandles) -> None:
    prints = np.full(6, np.nan)
    buys, sells = prints.copy(), prints.copy()
    buys[[1, 2, 4]] = 101.0
    sells[[1, 4]] = 99.0
    candles = replace(make_candles(CLOSES), first_buy=buys, first_sell=sells)
    grid = Grid.of(candles, "fair")
    # As of close 0 it is known at 1; as of 1, 2 and 3 at 4; as of 4 and 5 never.
    assert grid.known.tolist() == [0, 1, 1, 1, 4, 4]


def test_time_that_is_too_long_for_its_candles_is_refused(make_candles: MakeCandles) -> None:
    candles = make_candles(CLOSES)
    far = candles.close_time_ms.copy()
    far[-1] += 60_000 * 50_000_000
    with pytest.raises(InputError, match="give fewer days, or candles of a longer timeframe"):
        Grid.of(replace(candles, close_time_ms=far), "close")


def test_a_floor_stands_in_for_no_move_and_there_is_none_where_nothing_ever_moved() -> None:
    assert floor_of(np.array([0.0, 1.0, 2.0, 3.0]), "volatility") == pytest.approx(0.02)
    assert floor_of(np.array([0.0, 1.0, 2.0, 3.0]), "range") == pytest.approx(0.2)
    assert floor_of(np.zeros(4), "range") is None


def test_windows_leave_out_what_is_not_known() -> None:
    windows = Windows(np.array([1.0, np.nan, 3.0, 5.0]))
    ends = np.array([1, 2, 3, 4])
    assert windows.mean(ends, 2).tolist() == [1.0, 1.0, 3.0, 4.0]
    assert np.isnan(windows.mean(np.array([0]), 2)).all()
    assert windows.total(ends, 2)[3] == 8.0
    assert np.isnan(windows.total(ends, 2)[:3]).all()


def test_the_profile_of_the_day_is_learnt_day_by_day_and_looks_around_midnight() -> None:
    minutes = np.arange(1, 10 * 1_440 + 1)
    close_ms = 1_704_067_200_000 + 60_000 * minutes
    busy = (minutes - 1) % 1_440 < 60  # the first hour of each day has four times as much
    values = np.where(busy, 4.0, 1.0)
    profile = DayProfile(values, close_ms, 60_000, np.arange(len(values)) + 1)
    midnights = close_ms[1_439::1_440]
    ahead = profile.over(midnights, 0, 1_800_000)
    before = profile.over(midnights, -1_800_000, 0)
    of_day = np.log(4 / (27 / 24))
    assert (np.diff(ahead) > 0).all()
    assert ahead[0] < 0.5 * of_day  # one day says less than nine
    assert ahead[-1] == pytest.approx(of_day, abs=0.35)
    assert ahead[-1] - before[-1] == pytest.approx(np.log(4), abs=0.35)
    half = profile.over(midnights - 1_800_000, 0, 3_600_000)  # half of it before midnight
    assert before[-1] < half[-1] < ahead[-1]


def test_closes_of_more_than_half_an_hour_have_a_profile_of_longer_parts() -> None:
    hours = np.arange(1, 20 * 24 + 1)
    close_ms = 1_704_067_200_000 + 3_600_000 * hours
    values = np.where((hours - 1) % 24 == 0, 4.0, 1.0)
    profile = DayProfile(values, close_ms, 3_600_000, np.arange(len(values)) + 1)
    ahead = profile.over(close_ms[23::24], 0, 3_600_000)
    assert ahead[-1] == pytest.approx(np.log(4 / (27 / 24)), abs=0.3)
