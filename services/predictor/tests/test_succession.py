"""Whether a model of few rows takes the place of one of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import log10
from typing import Any

import pytest

from predictor.policy.duel import needed
from predictor.policy.succession import staying
from predictor.settings import PredictorSettings
from predictor.training.fitting import TrainedModel
from predictor.training.retraining import TrainingJob

type MakeModel = Callable[..., TrainedModel]


@pytest.fixture
def make_job(
    make_market: Callable[..., Any], make_settings: Callable[..., PredictorSettings]
) -> Callable[..., TrainingJob]:
    """Make a training on rows whose next move follows the sign of the imbalance."""

    def make(serving: Mapping[int, TrainedModel], rows: int = 300) -> TrainingJob:
        market = make_market(rows)
        return TrainingJob(
            "binance:BTC/USDT", market.table, market.prices, (1_000,), make_settings(),
            trained_at_ms=1_000 * rows, latency_ms=0, serving=serving,
        )  # fmt: skip

    return make


def stays(make_job: Callable[..., TrainingJob], serving: TrainedModel, rows: int = 300) -> bool:
    job = make_job({1_000: serving}, rows)
    models = job.run()
    assert set(models) == {1_000}
    return bool(staying(job, models))


def test_few_rows_do_not_replace_a_model_that_is_as_good(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    assert stays(make_job, replace(make_model(hit_rate=0.8), rows=3_600, trained_at_ms=-1))


def test_few_rows_replace_a_model_that_they_beat_beyond_chance(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    blind = replace(make_model(column="noise_1"), rows=3_600, trained_at_ms=-1)
    assert not stays(make_job, blind, rows=1_000)


def test_a_later_challenger_needs_more_evidence_and_a_restart_brings_no_new_chance(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    beaten = replace(make_model(column="noise_1"), rows=3_600)
    assert not stays(make_job, replace(beaten, trained_at_ms=-1), rows=1_000)
    years_ms = 10 * 365 * 86_400_000
    assert stays(make_job, replace(beaten, trained_at_ms=-years_ms), rows=1_000)
    assert needed(1) == pytest.approx(log10(2 * 2 / 0.01))
    assert needed(3, tried=5) == pytest.approx(log10(2 * 5 * 12 / 0.01))


def test_as_many_rows_replace_whatever_served(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    assert not stays(make_job, replace(make_model(hit_rate=0.8), rows=310, trained_at_ms=-1))
    assert staying(make_job({}), make_job({}).run()) == {}


def test_rows_that_the_serving_model_was_trained_on_do_not_judge_it(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    blind = replace(make_model(column="noise_1"), rows=3_600, trained_at_ms=295_000)
    assert stays(make_job, blind)  # five rows are too few to say


def test_reason_names_both_models_and_their_rows(
    make_job: Callable[..., TrainingJob], make_model: MakeModel
) -> None:
    job = make_job({1_000: replace(make_model(hit_rate=0.8), rows=3_600, trained_at_ms=-1)})
    (reason,) = staying(job, job.run()).values()
    assert reason.startswith("1000 ms: imbalance_sign of 3600 rows serves on, ")
    assert reason.endswith("of 300 is not shown to be better")
