from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest

from predictor.models import LEARNERS
from predictor.serving.forecast import answer, direction_of, forecast, probability
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel, train


def test_forecast_adds_up(make_model: Callable[..., TrainedModel]) -> None:
    model = make_model(hit_rate=0.75, p_moves=0.8)
    said = forecast(model, {"imbalance": 0.3}, 100.0)
    assert (said.p_up, said.p_flat, said.p_down) == pytest.approx((0.6, 0.2, 0.2))
    assert said.expected_return == pytest.approx(0.8 * 0.5 * 0.01)
    assert said.predicted_price == pytest.approx(100 * exp(0.004))
    assert said.low == pytest.approx(100 * exp(0.004 - 0.02))
    assert said.high == pytest.approx(100 * exp(0.004 + 0.02))


@pytest.mark.parametrize(("imbalance", "said"), [(0.1, "up"), (-0.1, "down"), (0.0, "none")])
def test_answer_is_the_likelier_direction(
    make_model: Callable[..., TrainedModel], imbalance: float, said: str
) -> None:
    assert answer(probability(make_model().champion, {"imbalance": imbalance})) == said


def test_value_that_is_not_known_or_not_there_takes_no_side(
    make_model: Callable[..., TrainedModel],
) -> None:
    champion = make_model().champion
    assert answer(probability(champion, {"imbalance": None})) == "none"
    assert answer(probability(champion, {})) == "none"


def test_direction_of_no_difference_is_none() -> None:
    assert [direction_of(d) for d in (1e-300, 0.0, -0.0, -1e-300)] == ["up", "none", "none", "down"]


@pytest.mark.parametrize("learner", LEARNERS)
def test_row_by_row_says_what_the_whole_table_says(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    learner: str,
) -> None:
    market = make_market(300)
    values = market.table.values.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    table = replace(market.table, values=values)
    model = train(table, market.prices, 1_000, make_settings(learner), trained_at_ms=0)
    assert model is not None
    for candidate in (model.champion, *model.references):
        batch = candidate.up.probability(table.columns(candidate.columns))
        for row, expected in zip(values[:100].tolist(), batch, strict=False):
            known = [None if np.isnan(value) else value for value in row]
            said = probability(candidate, dict(zip(table.names, known, strict=True)))
            assert said == pytest.approx(expected, abs=1e-12)
