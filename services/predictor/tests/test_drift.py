"""A market that has changed is noticed, and one that has not is left alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np
import pytest

from marketstream.columns import Floats
from marketstream.evidence import Streams
from marketstream.messages import Features, Outcome, Prediction
from predictor.gates.distribution import Distribution
from predictor.settings import DriftSettings
from predictor.training.drift import Drift, FeatureDrift, LossDrift
from predictor.training.history import FeatureHistory

MARKET = "binance:BTC/USDT"
NAMES = ("one", "two", "three", "four")
EXPECTED = 0.24  # of somebody who says 60 % and is right so often


def prediction(close_ms: int, p_up: float = 0.6, horizon_ms: int = 1_000) -> Prediction:
    return Prediction(
        MARKET, "1s", close_ms, horizon_ms, "champion", "average", "7", 0, 100.0, 100.1, 1e-5,
        100.5, 0.8 * p_up, 0.2, 0.8 * (1 - p_up), 99.0, 101.0, 0.8, "up", None, {},
    )  # fmt: skip


def outcome(close_ms: int, realised: float, horizon_ms: int = 1_000) -> Outcome:
    return Outcome(
        MARKET, "1s", close_ms, horizon_ms, "champion", "7", 100.5, realised, realised, "right",
        "right", True, {},
    )  # fmt: skip


class Rows:
    """Rows of four features, put into a history one by one."""

    def __init__(self, make_features: Callable[..., Features]) -> None:
        self._make = make_features
        self._chance = np.random.default_rng(7)
        self.history = FeatureHistory(NAMES, "1s", "1s", 10_000)
        self.drift = FeatureDrift(1.0)

    def begin(self) -> None:
        rows = self._chance.normal(size=(10_000, len(NAMES)))
        found = {name: Distribution.of(rows[:, place]) for place, name in enumerate(NAMES)}
        self.drift.begin({name: each for name, each in found.items() if each is not None})

    def until_found(self, most: int, **wider: float) -> str | None:
        for row in range(most):
            values = {name: wider.get(name, 1.0) * self._chance.normal() for name in NAMES}
            self.history.append(self._make(1_000 * row, 100.0, **values))
            self.drift.observe(self.history)
            if (found := self.drift.found) is not None:
                return found
        return None


def test_rows_like_those_trained_on_are_no_drift(make_features: Callable[..., Features]) -> None:
    rows = Rows(make_features)
    assert rows.until_found(1_200) is None, "there is nothing to compare with"
    rows.begin()
    assert rows.until_found(5_000) is None


def test_three_features_that_are_far_away_are_named(make_features: Callable[..., Features]) -> None:
    rows = Rows(make_features)
    rows.begin()
    assert rows.until_found(3_000, one=9, two=9) is None, "two may wander"
    rows.begin()
    found = rows.until_found(2_000, one=9, two=30, four=9)
    assert found is not None
    assert found.startswith("two by ")
    assert [name in found for name in NAMES] == [True, True, False, True]
    rows.begin()
    assert rows.drift.found is None, "a training has taken them in"


class Market:
    """A market that stays as it is, and whose features all follow a volatility that wanders."""

    ROWS = 25_000  # seven hours of seconds
    WANDERS = 900  # rows in which what is left of a deviation falls to 1/e

    def __init__(self, seed: int, jump_at: int | None = None) -> None:
        chance = np.random.default_rng(seed)
        kept = np.exp(-1 / self.WANDERS)
        steps = chance.normal(size=self.ROWS) * np.sqrt(1 - kept**2)
        steps[0] = chance.normal()
        wandering = list(accumulate(steps.tolist(), lambda last, step: kept * last + step))
        volatility = np.exp(0.5 * np.array(wandering))
        if jump_at is not None:
            volatility[jump_at:] *= 8
        returns = volatility * chance.normal(size=self.ROWS)
        trades = chance.poisson(5 * volatility).astype(float)
        self.values = np.column_stack([returns, trades, 1 + np.round(2 * volatility), volatility])
        self._now = 0
        self.drift = FeatureDrift(1.0)

    def newest(self, name: str, rows: int) -> Floats:
        return self.values[max(0, self._now - rows) : self._now, NAMES.index(name)]

    def trained(self, at: int) -> None:
        found = {name: Distribution.of(self.values[:at, place]) for place, name in enumerate(NAMES)}
        self.drift.begin({name: each for name, each in found.items() if each is not None})

    def until_found(self, first: int, last: int) -> int | None:
        for self._now in range(first, last):
            self.drift.observe(self)
            if self.drift.found is not None:
                return self._now
        return None


def test_features_that_wander_in_a_market_that_stays_as_it_is_are_seldom_taken_for_a_drift() -> (
    None
):
    alarms = 0
    for seed in range(8):
        market = Market(seed)
        for at in (10_800, 20_000):  # two trainings, and the hour after each
            market.trained(at)
            alarms += market.until_found(at, at + 3_600) is not None
    assert alarms <= 1, "of sixteen hours"


def test_a_volatility_that_jumps_is_found_once_and_is_no_news_to_who_learnt_of_it() -> None:
    again = 0
    for seed in range(4):
        market = Market(seed, jump_at=21_000)
        market.trained(20_000)
        found = market.until_found(20_000, market.ROWS)
        assert found is not None
        assert 21_000 < found < 22_500
        market.trained(22_500)
        again += market.until_found(22_500, market.ROWS) is not None
    assert again <= 1


def test_what_there_are_too_few_windows_of_is_not_followed() -> None:
    market = Market(1, jump_at=11_000)
    market.trained(9_999)
    assert market.until_found(9_999, market.ROWS) is None


def losing(drift: LossDrift, right: float, rows: int, seed: int) -> int | None:
    """Return after how many rows a drift is shown of who says 60 % and is right so often."""
    chance = np.random.default_rng(seed)
    for row, is_up in enumerate(chance.random(rows) < right):
        drift.predicted(prediction(1_000 * row))
        drift.happened(outcome(1_000 * row, 1e-5 if is_up else -1e-5))
        if drift.found is not None:
            return row + 1
    return None


@pytest.mark.parametrize("horizon_ms", [1_000, 5_000])
def test_a_loss_as_expected_is_seldom_taken_for_a_drift(horizon_ms: int) -> None:
    streams = Streams.foreseen(horizon_ms, 1_000)
    alarms = 0
    for seed in range(20):
        drift = LossDrift(streams, 2_000)
        drift.begin(EXPECTED - 0.01)  # at the very margin
        alarms += losing(drift, 0.6, 1_000, seed) is not None
    assert alarms <= 10, "in the mean it takes 2,000 rows and more"


def test_a_loss_that_rises_is_shown_with_what_it_was_and_is() -> None:
    shown = []
    for seed in range(10):
        drift = LossDrift(Streams.foreseen(1_000, 1_000), 10_000)
        drift.begin(EXPECTED)
        shown.append(losing(drift, 0.4, 2_000, seed))
    assert all(rows is not None for rows in shown)
    assert sorted(rows or 0 for rows in shown)[5] < 1_500
    assert drift.found is not None
    assert drift.found.startswith("1 s ahead 0.2")
    assert drift.found.endswith("instead of 0.240")
    drift.begin(EXPECTED)
    assert drift.found is None


def test_a_loss_that_was_heard_of_is_no_news_until_it_has_come_down() -> None:
    drift = LossDrift(Streams.foreseen(1_000, 1_000), 10_000)
    drift.begin(EXPECTED)
    assert losing(drift, 0.4, 2_000, 1) is not None
    drift.heard()
    drift.begin(EXPECTED)
    assert losing(drift, 0.4, 2_000, 2) is None, "as bad as it was known to be"
    drift.forget()
    drift.begin(EXPECTED)
    assert losing(drift, 0.4, 2_000, 3) is None, "it has not come down"
    assert losing(drift, 0.1, 2_000, 4) is not None, "worse than it was known to be"
    drift.begin(EXPECTED)
    assert losing(drift, 0.6, 500, 5) is None
    drift.forget()
    drift.begin(EXPECTED)
    assert losing(drift, 0.4, 2_000, 6) is not None


def test_what_was_said_before_a_training_and_rows_that_did_not_move_count_for_nothing() -> None:
    drift = LossDrift(Streams.foreseen(1_000, 1_000), 2)
    drift.begin(0.0)
    drift.predicted(prediction(1_000, 0.999))
    drift.begin(0.0)
    drift.happened(outcome(1_000, -1e-5))
    for close_ms in range(2_000, 50_000, 1_000):
        drift.predicted(prediction(close_ms, 0.999))
        drift.happened(outcome(close_ms, 0.0))
    assert drift.found is None
    for close_ms in range(50_000, 60_000, 1_000):
        drift.predicted(prediction(close_ms, 0.999))
        drift.happened(outcome(close_ms, -1e-5))
    assert drift.found is not None


def test_where_no_loss_is_known_or_a_check_is_switched_off_nothing_is_shown(
    make_features: Callable[..., Features],
) -> None:
    drift = LossDrift(Streams.foreseen(1_000, 1_000), None)
    drift.begin(EXPECTED)
    assert losing(drift, 0.0, 500, 1) is None
    drift = LossDrift(Streams.foreseen(1_000, 1_000), 10)
    drift.begin(None)
    assert losing(drift, 0.0, 500, 1) is None
    rows = Rows(make_features)
    rows.drift = FeatureDrift(None)
    rows.begin()
    assert rows.until_found(2_000, one=9, two=30, four=9) is None


def test_both_are_told_apart_and_others_predictions_are_passed_over() -> None:
    drift = Drift({1_000: Streams.foreseen(1_000, 1_000)}, DriftSettings(loss_once_in=10))
    drift.losses[1_000].begin(0.1)
    for close_ms in range(0, 100_000, 1_000):
        drift.hear(prediction(close_ms, 0.9, horizon_ms=2_000))
        drift.hear(outcome(close_ms, -1e-5, horizon_ms=2_000))
    assert drift.found is None
    for close_ms in range(0, 100_000, 1_000):
        drift.hear(prediction(close_ms, 0.9))
        drift.hear(outcome(close_ms, -1e-5))
    assert drift.found == ("drift of loss", "1 s ahead 0.810 instead of 0.100")
