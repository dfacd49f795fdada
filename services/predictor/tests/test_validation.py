"""Splits by time: nothing that judges is known to what learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictor.training.dataset import Dataset, labelled
from predictor.validation.splits import latest, walk_forward

type MakeMarket = Callable[..., Any]


def rows_at(times_ms: np.ndarray, horizon_ms: int, step_ms: int = 1_000) -> Dataset:
    nothing = np.zeros(len(times_ms))
    return Dataset(
        ("x",), nothing[:, None], times_ms, times_ms + horizon_ms,
        nothing, nothing, nothing, nothing, horizon_ms, step_ms,
    )  # fmt: skip


@given(
    gaps=st.lists(st.integers(1, 30), min_size=1, max_size=200),
    horizon_s=st.integers(1, 60),
    folds=st.integers(1, 8),
    embargo=st.integers(0, 20),
)
def test_every_outcome_learnt_from_is_over_an_embargo_before_the_rows_that_judge(
    gaps: list[int], horizon_s: int, folds: int, embargo: int
) -> None:
    data = rows_at(1_000 * np.cumsum(gaps, dtype=np.int64), 1_000 * horizon_s)
    judged = np.zeros(len(data), int)
    for fold in [*walk_forward(data, folds, embargo=embargo)]:
        judged += fold.test
        assert data.ends_ms[fold.train].max() + 1_000 * embargo <= data.times_ms[fold.test].min()
        assert fold.begin_ms == data.times_ms[fold.test].min()
    assert judged.max(initial=0) <= 1
    split = latest(data, 0.3, embargo=embargo)
    if split.train.any():
        last_known = data.ends_ms[split.train].max() + 1_000 * embargo
        assert last_known <= data.times_ms[split.test].min()


def test_folds_judge_the_later_half_row_by_row_and_learn_ever_more() -> None:
    data = rows_at(1_000 * np.arange(100, dtype=np.int64), 5_000)
    folds = walk_forward(data, 5, embargo=2)
    assert [np.count_nonzero(fold.test) for fold in folds] == [10] * 5
    assert np.flatnonzero(np.any([fold.test for fold in folds], axis=0)).tolist() == [
        *range(50, 100)
    ]
    # Of 50 rows those at 44 to 49 s end after 48 s, two closes before the judging begins.
    assert [np.count_nonzero(fold.train) for fold in folds] == [44, 54, 64, 74, 84]


def test_months_without_rows_leave_no_fold_without_rows() -> None:
    times = 1_000 * np.arange(100, dtype=np.int64)
    data = rows_at(np.concatenate([times, times + 10**10]), 1_000)
    assert [np.count_nonzero(fold.test) for fold in walk_forward(data, 4)] == [25] * 4


def test_no_rows_make_no_folds() -> None:
    assert walk_forward(rows_at(np.zeros(0, np.int64), 1_000), 5) == []


def test_rows_are_left_out_and_counted_where_trades_or_outcomes_are_missing(
    make_market: MakeMarket,
) -> None:
    market = make_market(100)
    table = replace(market.table, complete=np.arange(100) % 10 != 0)
    data = labelled(table, market.prices, horizon_ms=5_000, latency_ms=1_000)
    assert (len(data), data.incomplete, data.unlabelled) == (85, 10, 5)
    assert data.step_ms == 1_000
    np.testing.assert_array_equal(data.ends_ms, data.times_ms + 6_000)
    mid, row = market.prices.mid, data.times_ms // 1_000
    np.testing.assert_allclose(data.returns, np.log(mid[row + 6] / mid[row + 1]), atol=1e-15)
    np.testing.assert_allclose(data.ways, np.log(mid[row + 6] / mid[row]), atol=1e-15)
    before = np.where(row >= 5, np.log(mid[row] / mid[row - 5]), 0)
    np.testing.assert_allclose(data.previous, before, atol=1e-15)
