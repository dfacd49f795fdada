"""When the model does not answer, and the reason it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketstream.messages import Features, Prediction
from predictor.serving.abstention import Guard
from predictor.serving.operator import Predictor
from predictor.settings import AbstentionSettings, PredictorSettings
from predictor.training.fitting import TrainedModel, train

type MakeFeatures = Callable[..., Features]
type MakeModel = Callable[..., TrainedModel]
GUARD = Guard(columns=("imbalance",), low=(-2.0,), high=(2.0,), complete_only=True, stale_closes=3)


def answers(model: TrainedModel, messages: list[Features]) -> list[tuple[str, str | None]]:
    predictor = Predictor("binance:BTC/USDT", timeframe="1s", base="1s", horizons_ms=(1_000,))
    predictor.install({1_000: model})
    return [
        (following.direction, following.reason)
        for message in messages
        for following in predictor.update(message)
        if isinstance(following, Prediction)
    ]


@pytest.mark.parametrize(
    ("imbalance", "complete", "said"),
    [
        (0.5, True, ("up", None)),
        (-2.0, True, ("down", None)),
        (2.5, True, ("abstain", "novel: imbalance is 2.5, and was within -2 to 2 or near it")),
        (-9.0, True, ("abstain", "novel: imbalance is -9, and was within -2 to 2 or near it")),
        (0.5, False, ("abstain", "trades of this candle are missing")),
        (None, False, ("abstain", "not known yet: imbalance")),
    ],
)
def test_abstains_and_says_why(
    make_features: MakeFeatures,
    make_model: MakeModel,
    imbalance: float | None,
    complete: bool,
    said: tuple[str, str | None],
) -> None:
    model = replace(make_model(), guard=GUARD)
    message = make_features(1_000, 100.0, imbalance=imbalance, complete=complete)
    assert answers(model, [message]) == [said]


def test_market_in_which_nothing_changes_is_stale_until_something_does(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    mids = [100.0, 100.0, 100.0, 100.0, 100.0, 100.5]
    messages = [make_features(1_000 * n, mid, imbalance=0.5) for n, mid in enumerate(mids, 1)]
    said = answers(replace(make_model(), guard=GUARD), messages)
    assert [direction for direction, _ in said] == ["up", "up", "up", "abstain", "abstain", "up"]
    assert said[4][1] == "stale: nothing has changed for 4 closes"


def test_direction_that_is_not_sure_enough_is_not_given(
    make_features: MakeFeatures, make_model: MakeModel
) -> None:
    model = replace(make_model(hit_rate=0.6), guard=Guard(confidence=0.3))
    message = make_features(1_000, 100.0, imbalance=0.5)
    assert answers(model, [message]) == [("abstain", "not sure enough: 0.200 of the 0.300 needed")]
    surer = replace(make_model(hit_rate=0.66), guard=Guard(confidence=0.3))
    assert answers(surer, [message]) == [("up", None)]


def settings_with(settings: PredictorSettings, **given: Any) -> PredictorSettings:
    return settings.model_copy(update={"abstention": AbstentionSettings.model_validate(given)})


@pytest.mark.parametrize("rate", [0.3, 0.7])
def test_rate_is_about_the_share_of_later_rows_left_out(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    rate: float,
) -> None:
    market = make_market(4_000)
    names = ("a", *market.table.names[1:])  # no reference in the way of the learner
    table = replace(market.table, names=names)
    settings = settings_with(make_settings("logistic", columns=names), rate=rate)
    model = train(table.rows(slice(0, 3_000)), market.prices, 1_000, settings, trained_at_ms=0)
    assert model is not None
    messages = [
        make_features(
            1_000 * row, 100.0 + row, **dict(zip(names, table.values[row].tolist(), strict=True))
        )
        for row in range(3_000, 4_000)
    ]
    said = answers(model, messages)
    left_out = [reason for direction, reason in said if direction == "abstain"]
    assert len(left_out) / len(said) == pytest.approx(rate, abs=0.06)
    assert all(reason is not None and reason.startswith("not sure enough") for reason in left_out)


def test_guard_leaves_room_beyond_training_and_ignores_columns_that_never_differed() -> None:
    rows = np.full((300, 4), np.nan)
    rows[:200, 0] = np.linspace(0.0, 2.0, 200)
    rows[:, 1] = 5.0
    rows[:99, 3] = np.linspace(0.0, 2.0, 99)  # hardly ever known
    said = np.array([0.5, 0.6, 0.7])
    guard = Guard.of(("a", "b", "c", "d"), rows, said, AbstentionSettings(novelty=0.5))
    assert (guard.columns, guard.low, guard.high) == (("a",), (-1.0,), (3.0,))
    assert guard.confidence == 0
    off = Guard.of(("a", "b", "c", "d"), rows, said, AbstentionSettings(novelty=None, rate=0.5))
    assert off.columns == ()
    assert off.confidence == pytest.approx(0.2)
