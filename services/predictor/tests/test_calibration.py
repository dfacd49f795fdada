"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.columns import Floats
from predictor.models import LEARNERS
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.training.calibration import (
    Calibrated,
    calibration_error,
    fit_slope,
    log_loss,
    scaled,
)


def told(slope: float, rows: int = 20_000) -> tuple[Floats, np.ndarray]:
    """What an overconfident (slope < 1) or timid model says, and what came."""
    random = np.random.default_rng(1)
    odds = random.normal(size=rows)
    came = random.random(rows) < 1 / (1 + np.exp(-slope * odds))
    return 1 / (1 + np.exp(-odds)), came


@pytest.mark.parametrize("slope", [0.2, 0.5, 1.0, 2.0])
def test_slope_is_found_and_makes_probabilities_true(slope: float) -> None:
    p, came = told(slope)
    found = fit_slope(p[::2], came[::2])
    assert found == pytest.approx(slope, abs=0.06)
    assert calibration_error(scaled(p, found)[1::2], came[1::2]) < 0.02
    assert log_loss(scaled(p, found), came) <= log_loss(p, came) + 1e-4


def test_model_that_knows_nothing_falls_back_to_one_half_and_keeps_its_direction() -> None:
    random = np.random.default_rng(2)
    p = random.uniform(0.05, 0.95, 5_000)
    slope = fit_slope(p, random.random(5_000) < 0.5)
    calm = scaled(p, slope)
    assert np.abs(calm - 0.5).max() < 0.05
    np.testing.assert_array_equal(np.sign(calm - 0.5), np.sign(p - 0.5))


def test_model_that_is_wrong_more_often_than_right_is_not_turned_around() -> None:
    p, came = told(-1.0)
    assert fit_slope(p, came) == pytest.approx(0.01, abs=0.01)


def test_few_rows_leave_a_model_as_it_is() -> None:
    assert fit_slope(np.array([0.9, 0.2]), np.array([True, False])) == pytest.approx(1, abs=0.15)
    assert fit_slope(np.zeros(0), np.zeros(0, np.bool_)) == pytest.approx(1, abs=1e-3)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.01, 3))
def test_one_row_is_calibrated_as_the_batch_is(side: float, rate: float, slope: float) -> None:
    model = Calibrated(ImbalanceSign(rate), slope)
    assert model.probability_of([side]) == pytest.approx(
        float(model.probability(np.array([[side]]))[0]), abs=1e-12
    )


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_can_be_calibrated_row_by_row(learner: str, noise: Floats) -> None:
    model = Calibrated(LEARNERS[learner](noise, noise[:, 0] > 0, {}), 0.6)
    one_by_one = [model.probability_of(row) for row in noise.tolist()]
    np.testing.assert_allclose(one_by_one, model.probability(noise), rtol=0, atol=1e-12)


def test_calibration_error_is_the_gap_between_said_and_came() -> None:
    came = np.arange(1_000) % 10 < 7
    assert calibration_error(np.full(1_000, 0.7), came) == pytest.approx(0, abs=1e-12)
    assert calibration_error(np.full(1_000, 0.9), came) == pytest.approx(0.2)
    halves = np.where(np.arange(1_000) < 500, 0.6, 0.8)
    assert calibration_error(halves, came) == pytest.approx(0.1)
