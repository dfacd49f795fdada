"""Swapping models, restarting, and running for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marketstream.messages import Features, Outcome, Prediction
from predictor.models import LEARNERS
from predictor.serving.operator import Predictor
from predictor.settings import PredictorSettings
from predictor.training.candidates import Candidate
from predictor.training.fitting import TrainedModel, train

type MakeFeatures = Callable[..., Features]
type MakeModel = Callable[..., TrainedModel]


def predictor_of(*horizons_ms: int, base: str = "1s", grace_ms: int = 0) -> Predictor:
    return Predictor(
        "binance:BTC/USDT",
        timeframe="1s",
        base=base,
        horizons_ms=horizons_ms or (1_000,),
        grace_ms=grace_ms,
    )


def run(predictor: Predictor, messages: Sequence[Features]) -> list[Prediction | Outcome]:
    return [following for message in messages for following in predictor.update(message)]


def predictions(following: Sequence[Prediction | Outcome]) -> list[Prediction]:
    return [message for message in following if isinstance(message, Prediction)]


def outcomes(following: Sequence[Prediction | Outcome]) -> list[Outcome]:
    return [message for message in following if isinstance(message, Outcome)]


def closes(make_features: MakeFeatures, mids: Sequence[float | None]) -> list[Features]:
    """One close a second, deciding and pricing at once, with the imbalance up."""
    return [make_features(1_000 * second, mid, imbalance=0.5) for second, mid in enumerate(mids, 1)]


def test_models_swapped_between_messages_leave_earlier_predictions_their_version(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(2_000)
    messages = closes(make_features, [100.0, 101.0, 102.0, 103.0])
    predictor.install({2_000: make_model(2_000, version="old")})
    following = run(predictor, messages[:2])
    predictor.install({2_000: make_model(2_000, version="new")})
    following += run(predictor, messages[2:])
    assert [p.model_version for p in predictions(following)] == ["old", "old", "new", "new"]
    assert [o.model_version for o in outcomes(following)] == ["old", "old"]


def test_model_with_a_shorter_latency_does_not_wait_for_the_one_before(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    messages = closes(make_features, [100.0 + second for second in range(8)])
    predictor.install({1_000: make_model(version="slow", latency_ms=4_000)})
    run(predictor, messages[:1])
    predictor.install({1_000: make_model(version="fast")})
    came = [
        (outcome.model_version, message.close_time_ms - outcome.close_time_ms)
        for message in messages[1:]
        for outcome in outcomes(predictor.update(message))
    ]
    assert came.count(("slow", 5_000)) == 1
    assert came.count(("fast", 1_000)) == 6
    assert predictor.unscored == 0


def wandering(make_features: MakeFeatures) -> list[Features]:
    """Forty seconds of base closes and decisions with holes, unknown books and values."""
    random = np.random.default_rng(11)
    messages = []
    mid = 100.0
    for quarter in range(1, 161):
        mid += float(random.integers(-1, 2))
        seen = None if quarter % 37 == 0 else mid
        close_ms = 250 * quarter
        if quarter % 23:
            messages.append(make_features(close_ms, seen, "250ms", close=mid + 0.25))
        if quarter % 4 == 0:
            imbalance = None if quarter % 28 == 0 else float(random.normal())
            messages.append(make_features(close_ms, seen, imbalance=imbalance))
    return messages


@given(cuts=st.sets(st.integers(0, 198)), grace_ms=st.sampled_from([0, 300]))
@settings(deadline=None, max_examples=50)
def test_restart_anywhere_changes_nothing(
    make_features: MakeFeatures, make_model: MakeModel, cuts: set[int], grace_ms: int
) -> None:
    messages = wandering(make_features)
    models = {h: make_model(h, latency_ms=60) for h in (1_000, 3_000)}
    unbroken = predictor_of(1_000, 3_000, base="250ms", grace_ms=grace_ms)
    unbroken.install(models)
    broken = predictor_of(1_000, 3_000, base="250ms", grace_ms=grace_ms)
    broken.install(models)
    for number, message in enumerate(messages):
        if number in cuts:
            snapshot = broken.snapshot()
            broken = predictor_of(1_000, 3_000, base="250ms", grace_ms=grace_ms)
            broken.restore(snapshot)
            broken.install(models)
            assert broken.snapshot() == snapshot
        assert broken.update(message) == unbroken.update(message)
    assert broken.unscored == unbroken.unscored > 0


def test_horizon_that_is_no_longer_asked_for_is_still_scored(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    before = predictor_of(1_000, 3_000)
    before.install({3_000: make_model(3_000)})
    messages = closes(make_features, [100.0 + second for second in range(8)])
    run(before, messages[:2])
    after = predictor_of(1_000)
    after.restore(before.snapshot())
    came = outcomes(run(after, messages[2:]))
    assert [(o.close_time_ms, o.horizon_ms) for o in came] == [(1_000, 3_000), (2_000, 3_000)]


def test_memory_stays_bounded_over_a_hundred_thousand_messages(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(1_000, 10_000, base="250ms", grace_ms=500)
    predictor.install({h: make_model(h, latency_ms=1_000) for h in (1_000, 10_000)})
    largest = 0
    for second in range(1, 20_001):
        for close_ms in range(1_000 * second - 750, 1_000 * second + 1, 250):
            predictor.update(make_features(close_ms, 100.0, "250ms"))
        predictor.update(make_features(1_000 * second, 100.0, imbalance=0.5))
        if second % 500 == 0:
            largest = max(largest, len(predictor.snapshot()))
            assert len(predictor._prices) <= 4 * 11
            assert sum(len(pending) for pending in predictor._pending.values()) <= 2 + 12 + 1
    assert largest < 10_000
    assert predictor.unscored == 0


def test_two_horizons_of_trees_are_served_well_under_a_millisecond(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
) -> None:
    market = make_market(600)
    table = market.table
    trained = train(table, market.prices, 1_000, make_settings(), trained_at_ms=0)
    assert trained is not None
    up = table.values[:, 0] > 0
    champion = Candidate("lightgbm", table.names, LEARNERS["lightgbm"](table.values, up, {}))
    predictor = predictor_of(1_000, 2_000)
    predictor.install(
        {h: replace(trained, horizon_ms=h, champion=champion) for h in (1_000, 2_000)}
    )
    spent_ns = []
    for row in range(500):
        values = dict(zip(table.names, table.values[row].tolist(), strict=True))
        message = make_features(1_000 * row, float(table.mid[row]), **values)
        started_ns = perf_counter_ns()
        predictor.update(message)
        spent_ns.append(perf_counter_ns() - started_ns)
    assert np.median(spent_ns) < 500_000  # a tenth of a millisecond where nothing else runs
