"""Which candidate of a training serves, and what is said of one that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from marketstream.messages import Model
from marketstream.metrics import Metrics
from predictor.policy.choice import chosen
from predictor.policy.installation import note_installed
from predictor.settings import ModelSettings, PredictorSettings
from predictor.training.candidates import REFERENCES
from predictor.training.fitting import TrainedModel, train

SCORES = {"imbalance_sign": 0.60, "logistic_five": 0.62, "xgboost": 0.65}


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    records: list[dict[str, Any]] = []
    sink = logger.add(
        lambda message: records.append(
            {"said": message.record["message"], **message.record["extra"]}
        )
    )
    yield records
    logger.remove(sink)


@pytest.mark.parametrize(
    ("binding", "scores", "serves"),
    [
        (False, SCORES, "imbalance_sign"),
        (True, SCORES, "xgboost"),
        (False, SCORES | {"xgboost": 0.5}, "xgboost"),
        (False, {}, "imbalance_sign"),
        (True, {}, "xgboost"),
    ],
)
def test_least_log_loss_serves_unless_the_configured_learner_is_binding(
    *, binding: bool, scores: dict[str, float], serves: str
) -> None:
    settings = ModelSettings(type="xgboost", binding=binding)
    assert chosen(tuple(SCORES), scores, settings) == serves


def test_binding_learner_whose_features_nobody_knows_gives_way() -> None:
    names, settings = ("imbalance_sign",), ModelSettings(type="xgboost", binding=True)
    assert chosen(names, {"imbalance_sign": 0.6}, settings) == "imbalance_sign"


@pytest.mark.parametrize("binding", [False, True])
def test_trained_model_is_the_one_chosen_and_keeps_how_the_duel_went(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    *,
    binding: bool,
) -> None:
    market, settings = make_market(600), make_settings("lightgbm")
    settings.model.binding = binding
    model = train(market.table, market.prices, 1_000, settings, trained_at_ms=1)
    assert model is not None
    best = min(model.validation, key=lambda name: model.validation[name])
    assert model.champion.name == ("lightgbm" if binding else best)
    assert set(model.validation) == {*REFERENCES, "lightgbm"}


def test_learner_that_adds_nothing_but_rounding_leaves_its_reference_serving() -> None:
    scores = SCORES | {"xgboost": 0.60 - 1e-12}
    assert chosen(tuple(SCORES), scores, ModelSettings(type="xgboost")) == "imbalance_sign"


def test_configured_learner_that_lost_is_named_with_how_the_duel_went(
    make_model: Callable[..., TrainedModel], logged: list[dict[str, Any]]
) -> None:
    model = make_model()  # the sign of the imbalance serves
    model.validation.update(SCORES)
    metrics = Metrics(CollectorRegistry())
    (said,) = note_installed("m", "1s", [model], configured="xgboost", metrics=metrics)
    assert isinstance(said, Model)
    assert (said.name, said.metrics) == ("imbalance_sign", SCORES)
    (record,) = logged
    assert record["said"] == "Model installed, better than the configured"
    assert (record["configured"], record["lost_by"]) == ("xgboost", 0.05)
    assert record["log_losses"] == SCORES


def test_learner_that_serves_as_configured_is_installed_without_ado(
    make_model: Callable[..., TrainedModel], logged: list[dict[str, Any]]
) -> None:
    metrics = Metrics(CollectorRegistry())
    note_installed("m", "1s", [make_model()], configured="imbalance_sign", metrics=metrics)
    (record,) = logged
    assert record["said"] == "Model installed"
    assert "lost_by" not in record
