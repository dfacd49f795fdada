"""Bounds that hold their level whatever the market does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from marketstream.messages import Features, Outcome
from predictor.serving.intervals import Reach
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel


def coverage(returns: np.ndarray, low: float, high: float, level: float = 0.8) -> float:
    """The share of returns within the bounds, once these have had a thousand to settle."""
    reach, inside = Reach(), []
    for way in returns.tolist():
        below, above = reach.bounds(low, high, 1.0)
        inside.append(below <= way <= above)
        reach.happened(way, 0.0, below, above, level)
    return float(np.mean(inside[1_000:]))


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_bounds_hold_their_level_however_wrong_the_model_was(scale: float, level: float) -> None:
    returns = scale * np.random.default_rng(0).standard_t(3, 5_000)
    assert coverage(returns, -1.0, 1.0, level) == pytest.approx(level, abs=0.02)


def test_bounds_hold_their_level_while_the_market_gets_wilder_and_calms_down() -> None:
    random = np.random.default_rng(1)
    scale = np.exp(2 * np.sin(np.arange(10_000) / 800))
    assert coverage(scale * random.normal(size=10_000), -1.3, 1.3) == pytest.approx(0.8, abs=0.02)


def test_market_that_stood_still_does_not_leave_bounds_far_behind() -> None:
    reach = Reach()
    for _ in range(10_000):
        reach.happened(0.0, 0.0, *reach.bounds(-1.0, 1.0, 1.0), 0.8)
    below, above = reach.bounds(-1.0, 1.0, 1.0)
    assert -0.1 < below <= above < 0.1
    for _ in range(50):
        reach.happened(2.0, 0.0, *reach.bounds(-1.0, 1.0, 1.0), 0.8)
    assert reach.bounds(-1.0, 1.0, 1.0)[1] > 1.8


@pytest.mark.parametrize("horizon_ms", [1_000, 5_000])
def test_operator_widens_bounds_of_a_model_from_calmer_times(
    make_features: Callable[..., Features],
    make_model: Callable[..., TrainedModel],
    horizon_ms: int,
) -> None:
    predictor = Predictor("binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(horizon_ms,))
    predictor.install({horizon_ms: make_model(horizon_ms)})
    steps = np.random.default_rng(3).normal(0, 0.05, 3_000)
    mids = 100 * np.exp(np.cumsum(steps))
    inside = [
        following.inside
        for second, mid in enumerate(mids.tolist())
        for following in predictor.update(make_features(1_000 * second, mid, imbalance=0.5))
        if isinstance(following, Outcome)
    ]
    assert np.mean(inside[:50]) < 0.6
    assert np.mean(inside[500:]) == pytest.approx(0.8, abs=0.02)


def test_preview_learns_nothing_of_the_bounds(
    make_features: Callable[..., Features], make_model: Callable[..., TrainedModel]
) -> None:
    predictor = Predictor("binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(1_000,))
    predictor.install({1_000: make_model()})
    predictor.update(make_features(1_000, 100.0, imbalance=0.5))
    before = predictor.snapshot()
    forming = make_features(1_500, 200.0, imbalance=0.5)
    predictor.update(msgspec.structs.replace(forming, forming=True))
    assert predictor.snapshot() == before
