"""The feature that the market follows is the one that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from predictor.models import LEARNERS
from predictor.settings import PredictorSettings
from predictor.training.dataset import labelled
from predictor.validation.importance import contributions, importances

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]
TELLING = ("lightgbm", "xgboost")


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_feature_that_is_followed_comes_first_and_the_rest_is_worth_nothing(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(2_000)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    first, *rest = importances(data, make_settings(learner))
    assert first.name == "imbalance"
    assert first.permutation > 0.1
    assert max(each.permutation for each in rest) < 0.02
    assert len(rest) == len(market.table.names) - 1
    if learner in TELLING:
        assert first.contribution is not None
        assert first.contribution > 3 * max(each.contribution or 0.0 for each in rest)
    else:
        assert first.contribution is None


@pytest.mark.parametrize("learner", TELLING)
def test_contributions_and_what_no_feature_adds_sum_up_to_the_log_odds(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    data = labelled(make_market(800).table, make_market(800).prices, horizon_ms=1_000)
    moved = data.take(data.moved)
    fitted = LEARNERS[learner](moved.values, moved.up, {})
    adds = contributions(fitted, moved.values)
    assert adds is not None
    assert adds.shape == moved.values.shape
    p = fitted.probability(moved.values)
    base = np.log(p / (1 - p)) - adds.sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-4)


def test_too_few_rows_say_nothing(make_market: MakeMarket, make_settings: MakeSettings) -> None:
    market = make_market(20)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    assert importances(data, make_settings()) == []
