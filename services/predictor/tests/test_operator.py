from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log

import pytest

from marketstream.messages import Features, Outcome, Prediction
from marketstream.scoring import BASELINES
from marketstream.topics import FEATURES, OUTCOMES, PREDICTIONS
from predictor.serving.operator import Predictor
from predictor.serving.stage import predictor_stage
from predictor.training.fitting import TrainedModel

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


def test_nothing_is_predicted_before_a_model_is_installed(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(1_000, 2_000)
    messages = closes(make_features, [100.0, 101.0, 102.0])
    assert predictor.update(messages[0]) == []
    predictor.install({2_000: make_model(2_000)})
    assert [p.horizon_ms for p in predictions(predictor.update(messages[1]))] == [2_000]
    predictor.install({1_000: make_model(1_000)})
    assert [p.horizon_ms for p in predictions(predictor.update(messages[2]))] == [1_000, 2_000]
    assert set(predictor.models) == {1_000, 2_000}


def test_predicts_at_closes_of_its_timeframe_alone(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(base="250ms")
    predictor.install({1_000: make_model()})
    assert predictor.update(make_features(1_000, 100.0, "250ms")) == []
    assert predictor.update(make_features(1_000, 100.0, "5s", imbalance=0.5)) == []
    (prediction,) = predictor.update(make_features(1_000, 100.0, imbalance=0.5, rsi=None))
    assert isinstance(prediction, Prediction)
    assert prediction.identity == ("binance:BTC/USDT", "1s", 1_000, 1_000, "champion", "1")
    assert prediction.for_ms == 2_000
    assert prediction.mid == prediction.close == 100.0
    assert prediction.feature_set == "test"
    assert prediction.direction == "up"
    assert prediction.reason is None
    assert prediction.p_up + prediction.p_flat + prediction.p_down == pytest.approx(1)
    assert prediction.low < 100.0 < prediction.predicted_price < prediction.high


def test_without_a_book_nothing_is_predicted(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    assert run(predictor, closes(make_features, [None, None, None])) == []


def test_outcome_measures_mid_and_close_from_the_decision_on(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    predictor.update(make_features(1_000, 100.0, close=100.4, imbalance=0.5))
    outcome, _ = predictor.update(make_features(2_000, 101.0, close=99.0, imbalance=0.5))
    assert outcome == Outcome(
        market="binance:BTC/USDT",
        timeframe="1s",
        close_time_ms=1_000,
        horizon_ms=1_000,
        role="champion",
        model_version="1",
        realised_mid=101.0,
        realised_return=log(101 / 100),
        close_return=log(99 / 100.4),
        verdict="right",
        close_verdict="wrong",
        inside=True,
        baselines={
            "majority": "right",
            "persistence": "abstained",
            "reversal": "abstained",
            "imbalance_sign": "right",
        },
    )


def due(
    make_features: MakeFeatures, model: TrainedModel, grace_ms: int
) -> list[tuple[int, Outcome]]:
    """Run one decision at 1 s and base closes after it; return when each outcome came."""
    predictor = predictor_of(model.horizon_ms, base="250ms", grace_ms=grace_ms)
    predictor.install({model.horizon_ms: model})
    came = []
    for close_ms in range(250, 6_000, 250):
        mid = 100.0 + close_ms / 1_000
        following = predictor.update(make_features(close_ms, mid, "250ms"))
        came += [(close_ms, outcome) for outcome in outcomes(following)]
        if close_ms == 1_000:
            predictor.update(make_features(close_ms, mid, imbalance=0.5))
    return came


@pytest.mark.parametrize(
    ("latency_ms", "grace_ms", "start_ms", "due_ms"),
    [
        (0, 0, 1_000, 2_000),
        (250, 0, 1_250, 2_250),
        (10, 0, 1_250, 2_250),
        (0, 500, 1_000, 2_500),
        (0, 100, 1_000, 2_250),
        (0, 2_000, 1_000, 4_000),
        (260, 300, 1_500, 3_000),
    ],
)
def test_outcome_comes_when_latency_horizon_and_grace_have_passed(
    make_features: MakeFeatures,
    make_model: MakeModel,
    latency_ms: int,
    grace_ms: int,
    start_ms: int,
    due_ms: int,
) -> None:
    ((came_ms, outcome),) = due(make_features, make_model(latency_ms=latency_ms), grace_ms)
    start_mid, end_mid = 100 + start_ms / 1_000, 100 + (start_ms + 1_000) / 1_000
    assert came_ms == due_ms
    assert outcome.realised_mid == end_mid
    assert outcome.realised_return == pytest.approx(log(end_mid / start_mid), abs=1e-15)


@pytest.mark.parametrize(
    ("imbalance", "mid", "verdict"),
    [
        (0.5, 101.0, "right"),
        (-0.5, 99.0, "right"),
        (0.5, 99.0, "wrong"),
        (-0.5, 101.0, "wrong"),
        (0.5, 100.0, "flat"),
        (0.0, 101.0, "abstained"),
        (None, 101.0, "abstained"),
        (None, 100.0, "abstained"),
    ],
)
def test_verdict_compares_what_was_said_with_what_came(
    make_features: MakeFeatures,
    make_model: MakeModel,
    imbalance: float | None,
    mid: float,
    verdict: str,
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    predictor.update(make_features(1_000, 100.0, imbalance=imbalance))
    outcome, _ = predictor.update(make_features(2_000, mid, imbalance=imbalance))
    assert isinstance(outcome, Outcome)
    assert outcome.verdict == verdict
    assert outcome.close_verdict == verdict


def test_price_outside_the_bounds_is_said_to_be(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    came = outcomes(run(predictor, closes(make_features, [100.0, 101.0, 109.0, 100.0])))
    assert [outcome.inside for outcome in came] == [True, False, False]


def test_baselines_and_references_answer_on_the_same_row(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(2_000)
    predictor.install({2_000: replace(make_model(2_000), majority="down")})
    following = run(predictor, closes(make_features, [100.0, 105.0, 101.0, 104.0, 101.0]))
    said = [prediction.answers for prediction in predictions(following)]
    assert all(list(answers) == [*BASELINES, "imbalance_sign"] for answers in said)
    assert {answers["majority"] for answers in said} == {"down"}
    assert {answers["imbalance_sign"] for answers in said} == {"up"}
    # Persistence looks back a horizon, here two closes.
    assert [answers["persistence"] for answers in said] == ["none", "none", "up", "down", "none"]
    assert [answers["reversal"] for answers in said] == ["none", "none", "down", "up", "none"]
    verdicts = [outcome.baselines for outcome in outcomes(following)]
    assert [v["persistence"] for v in verdicts] == ["abstained", "abstained", "flat"]
    assert [v["majority"] for v in verdicts] == ["wrong", "right", "flat"]
    assert [v["imbalance_sign"] for v in verdicts] == ["right", "wrong", "flat"]


def test_persistence_says_nothing_after_a_hole(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    messages = closes(make_features, [100.0, 101.0, 102.0, 103.0])
    said = predictions(run(predictor, [messages[0], messages[1], messages[3]]))
    assert [p.answers["persistence"] for p in said] == ["none", "up", "none"]


@pytest.mark.parametrize("missing", ["the close", "the book"])
def test_hole_in_the_prices_leaves_a_prediction_unscored(
    make_features: MakeFeatures, make_model: MakeModel, missing: str
) -> None:
    predictor = predictor_of()
    predictor.install({1_000: make_model()})
    messages = closes(make_features, [100.0, 101.0, None, 103.0, 104.0])
    if missing == "the close":
        del messages[2]
    following = run(predictor, messages)
    assert [outcome.close_time_ms for outcome in outcomes(following)] == [1_000, 4_000]
    assert predictor.unscored == 1
    assert len(predictions(following)) == 4


def test_hole_after_both_prices_were_seen_does_not_lose_the_outcome(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of(grace_ms=500)
    predictor.install({1_000: make_model()})
    run(predictor, closes(make_features, [100.0, 101.0]))
    following = predictor.update(make_features(3_600_000, 150.0, imbalance=0.5))
    assert [(o.close_time_ms, o.realised_mid) for o in outcomes(following)] == [(1_000, 101.0)]
    assert predictor.unscored == 1


def test_abstains_and_names_what_is_not_known(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    predictor = predictor_of()
    model = make_model()
    columns = ("imbalance", "rsi", "flow")
    predictor.install({1_000: replace(model, champion=replace(model.champion, columns=columns))})
    following = run(
        predictor,
        [
            make_features(1_000, 100.0, imbalance=0.5, rsi=None),
            make_features(2_000, 101.0, imbalance=0.0, rsi=1.0, flow=1.0),
        ],
    )
    first, second = predictions(following)
    assert (first.direction, first.reason) == ("abstain", "not known yet: rsi, flow")
    assert (second.direction, second.reason) == ("abstain", "up and down are equally likely")
    assert outcomes(following)[0].verdict == "abstained"


def test_stage_makes_one_predictor_a_market() -> None:
    stage = predictor_stage(timeframe="1s", base="250ms", horizons_ms=(1_000,))
    predictor = stage.make_operator("kraken:ETH/USD")
    assert isinstance(predictor, Predictor)
    assert predictor.market == "kraken:ETH/USD"
    assert stage.reads == (FEATURES,)
    assert stage.writes == (PREDICTIONS, OUTCOMES)
