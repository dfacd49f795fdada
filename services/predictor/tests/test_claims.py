"""The audit of a claim on markets of known answers: what a fault adds is found, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketstream.columns import FeatureTable, PriceSeries
from predictor.leakcheck import FAULTS, TOO_FEW_MOVES, Audit, Figure, audit_claim
from predictor.settings import PredictorSettings

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]

NAMES = ("close_against_mid", "return_1", "return_5", "time", "noise")
ROWS = 4_000


def random_walk(seed: int = 4) -> tuple[FeatureTable, PriceSeries]:
    """A mid that nothing foretells; trades at bid or ask by chance; features that know the past."""
    random = np.random.default_rng(seed)
    log_mid = np.cumsum(random.normal(0, 2e-4, ROWS))
    mid = 100 * np.exp(log_mid)
    close = mid * (1 + 2.5e-4 * np.where(random.random(ROWS) < 0.5, 1.0, -1.0))
    times = 1_000 * np.arange(ROWS, dtype=np.int64)
    before = [np.concatenate((np.zeros(n), log_mid[n:] - log_mid[:-n])) for n in (1, 5)]
    values = np.column_stack([close / mid - 1, *before, times / 1e6, random.normal(size=ROWS)])
    whole = np.ones(ROWS, np.bool_)
    table = FeatureTable(times, NAMES, values, mid * 0.99975, mid * 1.00025, close, whole)
    return table, PriceSeries(times, mid, close, 1_000)


@pytest.fixture(scope="module")
def nothing(make_settings: MakeSettings) -> Audit:
    """What is claimed of a random walk, 5 closes ahead."""
    settings = make_settings("lightgbm", NAMES, folds=2)
    audit = audit_claim(*random_walk(), 5_000, settings, label="mid")
    assert audit is not None
    return audit


def test_honestly_nothing_is_foretold_of_a_random_walk(nothing: Audit) -> None:
    honest = nothing.honest
    assert honest.claimed == honest.honest
    assert honest.claimed.low <= 0.5 <= honest.claimed.high


@pytest.mark.parametrize("fault", ["last price", "smoothed labels"])
def test_a_wrong_label_alone_looks_like_skill(nothing: Audit, fault: Any) -> None:
    assert nothing.recipes[frozenset({fault})].claimed.accuracy > 0.58
    assert nothing.shares[fault] > 0.05


def test_a_shuffled_split_alone_looks_like_skill_where_outcomes_overlap(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings("lightgbm", NAMES, folds=4)
    audit = audit_claim(*random_walk(), 30_000, settings, label="mid", faults=["shuffled split"])
    assert audit is not None
    assert audit.honest.claimed.low <= 0.5
    assert audit.claim.claimed.low > 0.6


def test_what_was_learnt_of_a_wrong_label_is_truly_worth_nothing(nothing: Audit) -> None:
    for fault in ("last price", "smoothed labels"):
        alone = nothing.recipes[frozenset({fault})]
        assert alone.honest.low <= 0.5 <= alone.honest.high


def test_shares_add_up_to_the_difference(nothing: Audit) -> None:
    assert tuple(nothing.shares) == FAULTS
    assert len(nothing.recipes) == 2 ** len(FAULTS)
    apart = nothing.claim.claimed.accuracy - nothing.honest.claimed.accuracy
    assert sum(nothing.shares.values()) == pytest.approx(apart)
    assert abs(nothing.shares["scaler on all"]) < 0.02


def test_faults_that_a_recipe_does_not_have_are_left_out(make_settings: MakeSettings) -> None:
    settings = make_settings("logistic", NAMES, folds=2)
    audit = audit_claim(*random_walk(), 5_000, settings, label="mid", faults=["last price"])
    assert audit is not None
    assert list(audit.shares) == ["last price"]
    assert set(audit.recipes) == {frozenset(), frozenset({"last price"})}
    assert audit.skipped == {}


def test_faults_that_data_cannot_have_are_said(make_settings: MakeSettings) -> None:
    settings = make_settings("logistic", NAMES, folds=2)
    audit = audit_claim(*random_walk(), 1_000, settings, label="close")
    assert audit is not None
    assert set(audit.skipped) == {"last price", "smoothed labels"}
    assert set(audit.shares) == {"shuffled split", "scaler on all"}


def test_a_smoothed_label_is_the_mean_after_against_the_mean_before(
    make_settings: MakeSettings,
) -> None:
    """A price that only rises: whatever is averaged, the label is up."""
    table, prices = random_walk()
    mid = 100 * np.exp(1e-5 * np.arange(ROWS))
    rising = replace(prices, mid=mid)
    settings = make_settings("logistic", NAMES, folds=2)
    audit = audit_claim(table, rising, 5_000, settings, label="mid", faults=["smoothed labels"])
    assert audit is not None
    assert audit.claim.claimed.accuracy == 1.0


def test_holes_in_time_leave_out_what_reaches_over_them(make_settings: MakeSettings) -> None:
    table, prices = random_walk()
    there = np.ones(ROWS, np.bool_)
    there[3_000:3_100] = False
    settings = make_settings("logistic", NAMES, folds=2)
    whole = audit_claim(table, prices, 5_000, settings, label="mid")
    holed = audit_claim(table.rows(there), prices.rows(there), 5_000, settings, label="mid")
    assert whole is not None
    assert holed is not None
    assert holed.honest.claimed.rows < whole.honest.claimed.rows
    assert len({each.honest.rows for each in holed.recipes.values()}) == 1


def test_skill_that_is_there_is_left(make_market: MakeMarket, make_settings: MakeSettings) -> None:
    market = make_market(2_000)
    audit = audit_claim(market.table, market.prices, 1_000, make_settings(folds=2), label="mid")
    assert audit is not None
    assert audit.honest.claimed.low > 0.7
    assert abs(audit.shares["shuffled split"]) < 0.05


def test_of_too_few_rows_nothing_is_said(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(60)
    assert audit_claim(market.table, market.prices, 1_000, make_settings(), label="mid") is None


def test_quotes_that_come_late_inflate_the_honest_figure_and_latency_takes_that_away(
    make_settings: MakeSettings,
) -> None:
    """The mid of each close is that of the close before, and a feature knows the true one."""
    table, prices = random_walk()
    late = replace(prices, mid=np.concatenate((prices.mid[:1], prices.mid[:-1])))
    ahead = np.log(prices.mid / late.mid)[:, np.newaxis]
    table = replace(table, names=("ahead",), values=ahead)
    settings = make_settings("logistic", ("ahead",), folds=2)

    def honest(latency_ms: int) -> Figure:
        audit = audit_claim(
            table, late, 2_000, settings, label="mid", latency_ms=latency_ms,
            faults=["smoothed labels"],
        )  # fmt: skip
        assert audit is not None
        assert audit.claim.claimed.accuracy > honest_of(audit).accuracy
        return honest_of(audit)

    def honest_of(audit: Audit) -> Figure:
        return audit.honest.claimed

    assert honest(0).low > 0.65
    assert honest(1_000).low <= 0.5 <= honest(1_000).high


def test_where_what_is_learnt_from_hardly_moves_nothing_is_said(
    make_settings: MakeSettings,
) -> None:
    table, prices = random_walk()
    moves = np.arange(ROWS) >= ROWS * 0.6
    settings = make_settings("lightgbm", NAMES, folds=2)
    still = replace(prices, mid=np.where(moves, prices.mid, 100.0))
    assert audit_claim(table, still, 5_000, settings, label="mid") is None


def test_a_fault_whose_price_hardly_moves_is_left_out_alone(make_settings: MakeSettings) -> None:
    table, prices = random_walk()
    settings = make_settings("lightgbm", NAMES, folds=2)
    still = replace(prices, close=np.full(ROWS, 100.0))
    faults: list[Any] = ["last price", "scaler on all"]
    audit = audit_claim(table, still, 5_000, settings, label="mid", faults=faults)
    assert audit is not None
    assert audit.skipped == {"last price": TOO_FEW_MOVES}
    assert list(audit.shares) == ["scaler on all"]
    assert set(audit.recipes) == {frozenset(), frozenset({"scaler on all"})}


def test_a_price_that_only_rises_is_foretold_and_ends_no_learner(
    make_settings: MakeSettings,
) -> None:
    table, prices = random_walk()
    rising = replace(prices, mid=100 * np.exp(1e-5 * np.arange(ROWS)))
    settings = make_settings("lightgbm", NAMES, folds=2)
    audit = audit_claim(table, rising, 5_000, settings, label="mid", faults=["scaler on all"])
    assert audit is not None
    assert audit.honest.claimed.accuracy == 1.0
