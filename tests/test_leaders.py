"""What it is worth to look at a leader where the truth is known: with a lead, and with none."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from candles.stage import candles_stage
from exchange_simulator import SeededMarket
from exchange_simulator.market.ceiling import expected_moves
from exchange_simulator.market.messages import trades_messages
from marketstream.columns import FeatureTable, PriceSeries
from marketstream.messages import Features
from marketstream.plan import Plan
from marketstream.runners.in_process import InProcessRunner
from marketstream.topics import FEATURES
from predictor.settings import DEFAULT_FEATURES, ModelSettings, PredictorSettings
from predictor.training.history import FeatureHistory
from predictor.validation.evaluation import evaluate
from predictor.validation.figures import Share
from technical_indicators.build import feature_set_of
from technical_indicators.feature_set import FeatureSettings
from technical_indicators.stage import technical_indicators_stage

FOLLOWER, LEADER = "kraken:BTC/USD", "binance-usdm:BTC/USDT:USDT"
PLAN = Plan((FOLLOWER, LEADER), "1s", (1,), groups={"bitcoin": (FOLLOWER, LEADER)})
START_US = 1_704_067_200_000_000  # 2024-01-01
HOUR_US = 3_600_000_000
HORIZON_MS = 1_000
SETTINGS = FeatureSettings(
    indicators=[
        {"RSI": {"timeperiod": 14}},
        {"NATR": {"timeperiod": 14}},
        "leader_imbalance",
        "leader_basis",
        "leader_age",
        *(
            {name: {"seconds": seconds}}
            for name in ("leader_return", "leader_flow", "leader_basis_change")
            for seconds in (0.25, 0.5, 1, 5)
        ),
    ]
)
FEATURE_SET = feature_set_of(PLAN, SETTINGS)


def market(symbol: str, venue: str, lag_ms: int, *, walk: bool) -> SeededMarket:
    if walk:
        return SeededMarket(symbol, 7, venue=venue, lag_ms=lag_ms, signals=False, spread_bps=5)
    return SeededMarket(symbol, 7, venue=venue, lag_ms=lag_ms)


@cache
def watched(hours: int, lag_ms: int, *, walk: bool) -> tuple[FeatureTable, PriceSeries]:
    """Run a market behind its leader through the stages; its candles come first, and wait."""
    history = FeatureHistory(FEATURE_SET.names, PLAN.timeframe, PLAN.base, 50_000)
    runner = InProcessRunner(
        [candles_stage(PLAN.candle_timeframes), technical_indicators_stage(FEATURE_SET, PLAN)]
    )

    def remember(features: Features, _received_ns: int) -> None:
        if features.market == FOLLOWER:
            history.append(features)

    runner.tap(FEATURES, remember)
    tapes = {
        FOLLOWER: market("BTC/USD", "kraken", lag_ms, walk=walk),
        LEADER: market("BTC/USDT:USDT", "binance-usdm", 0, walk=walk),
    }
    end_us = START_US + hours * HOUR_US
    told = [trades_messages(tape, name, START_US, end_us) for name, tape in tapes.items()]
    for messages in zip(*told, strict=True):
        for message in messages:
            runner.publish(message)
    return history.table(), history.prices()


def judged(
    table: FeatureTable, prices: PriceSeries, *, led: bool, leader: SeededMarket | None = None
) -> tuple[Share, float]:
    """Walk a logistic regression forward; say how right it was, and how right an oracle was."""
    features = [*DEFAULT_FEATURES, *(FEATURE_SET.leader_names if led else ())]
    settings = PredictorSettings(model=ModelSettings(type="logistic"), features=features)
    evaluation, rows = evaluate(table, prices, HORIZON_MS, settings)
    assert rows is not None
    assert evaluation.score is not None
    follower = market("BTC/USD", "kraken", 200, walk=False)
    oracle = expected_moves(
        follower, rows.times_ms * 1_000, horizon_ms=HORIZON_MS, leader=leader if led else None
    )
    counted = (rows.returns != 0) & rows.answered
    right = np.sign(oracle[counted]) == np.sign(rows.returns[counted])
    return evaluation.score, float(np.mean(right))


@pytest.mark.slow
@pytest.mark.parametrize("led", [False, True])
def test_with_and_without_the_leader_a_model_is_within_three_points_of_its_ceiling(
    *, led: bool
) -> None:
    table, prices = watched(7, 200, walk=False)
    leader = market("BTC/USDT:USDT", "binance-usdm", 0, walk=False)
    score, ceiling = judged(table, prices, led=led, leader=leader)
    assert score.effective >= 10_000
    assert score.accuracy is not None
    assert score.low is not None
    assert score.accuracy >= ceiling - 0.03
    assert score.low <= ceiling, "better than an oracle: a leak"
    assert ceiling == pytest.approx(0.723 if led else 0.674, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("led", [False, True])
def test_on_a_random_walk_that_all_show_at_once_a_leader_is_worth_nothing(*, led: bool) -> None:
    score, _ = judged(*watched(4, 0, walk=True), led=led)
    assert score.effective > 5_000
    assert score.low is not None
    assert score.high is not None
    assert score.low <= 0.5 <= score.high


@pytest.mark.slow
def test_where_a_random_walk_is_shown_later_than_at_the_leader_that_is_all_there_is() -> None:
    alone, led = (judged(*watched(2, 200, walk=True), led=led)[0] for led in (False, True))
    assert alone.accuracy == pytest.approx(0.5, abs=0.02)
    assert led.low is not None
    assert led.low > 0.6
