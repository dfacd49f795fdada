"""Previews: what would be predicted now, neither waited for nor scored."""

from collections.abc import Callable

import msgspec

from marketstream.messages import Features, Outcome, Prediction
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel

type MakeFeatures = Callable[..., Features]
type MakeModel = Callable[..., TrainedModel]


def predictor(*models: TrainedModel) -> Predictor:
    one = Predictor(
        "binance:BTC/USDT", timeframe="1s", base="1s",
        horizons_ms=[1_000, 2_000],
    )  # fmt: skip
    one.install({model.horizon_ms: model for model in models})
    return one


def forming(features: Features) -> Features:
    return msgspec.structs.replace(features, forming=True)


def test_a_preview_is_the_prediction_of_the_same_vector_but_for_its_mark(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    one = predictor(make_model(1_000), make_model(2_000))
    vector = make_features(1_000, 100.0, imbalance=0.4)
    previews = one.update(forming(vector))
    predictions = [p for p in one.update(vector) if isinstance(p, Prediction)]
    assert all(isinstance(p, Prediction) and p.preview for p in previews)
    assert [p.identity for p in previews] == [p.identity for p in predictions]
    assert [msgspec.structs.replace(p, preview=False) for p in previews] == predictions


def test_no_preview_without_a_book_or_a_model(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    assert predictor().update(forming(make_features(1_000, 100.0, imbalance=0.4))) == []
    assert predictor(make_model()).update(forming(make_features(1_000, None))) == []


def test_with_previews_and_without_the_same_is_predicted_and_scored(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    models = (make_model(1_000), make_model(2_000))
    with_previews, without = predictor(*models), predictor(*models)
    outcomes = 0
    for second in range(1, 20):
        vector = make_features(1_000 * second, 100.0 + second % 3, imbalance=(-1.0) ** second)
        shown = with_previews.update(forming(msgspec.structs.replace(vector, bid=50.0)))
        assert len(shown) == 2
        closed = with_previews.update(vector)
        assert closed == without.update(vector)
        outcomes += sum(isinstance(one, Outcome) for one in closed)
    assert outcomes == 35
    assert with_previews.snapshot() == without.snapshot()
