"""A market that has changed is noticed, and one that has not is left alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

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
        rows = self._chance.normal(size=(3_000, len(NAMES)))
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
