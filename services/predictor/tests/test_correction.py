"""A learner on top of a reference: what is added, how much of it, and how it is kept."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketstream.columns import FeatureTable, PriceSeries
from predictor.models import LEARNERS
from predictor.registry import native
from predictor.serving.forecast import probability
from predictor.serving.panel import Panel
from predictor.serving.rows import Rows
from predictor.settings import PredictorSettings
from predictor.training.candidates import REFERENCES, Candidate
from predictor.training.correction import Corrected, fit_share
from predictor.training.dataset import labelled
from predictor.training.fitting import TrainedModel, train, try_candidates
from predictor.validation.evaluation import evaluate

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]


def shown(random: np.random.Generator, odds: np.ndarray) -> np.ndarray:
    return random.random(len(odds)) < 0.5 + 0.5 * np.tanh(odds / 2)


def test_share_is_whole_where_the_correction_is_right_and_nothing_where_it_is_noise() -> None:
    random = np.random.default_rng(1)
    base, added = random.normal(size=(2, 20_000))
    came = shown(random, base + added)
    assert fit_share(base, added, came, overlap=1.0) == pytest.approx(1.0, abs=0.05)
    assert fit_share(base, -added, came, overlap=1.0) == 0.0
    assert fit_share(base, random.normal(size=20_000), came, overlap=1.0) < 0.05


def test_few_rows_and_rows_that_repeat_each_other_add_less() -> None:
    random = np.random.default_rng(2)
    base, added = random.normal(size=(2, 4_000))
    came = shown(random, base + added)
    whole = fit_share(base, added, came, overlap=1.0)
    assert fit_share(base[:10], added[:10], came[:10], overlap=1.0) < whole
    assert fit_share(base, added, came, overlap=400.0) < 0.8 * whole


def tried_model(make_model: Any, candidates: dict[str, Candidate]) -> TrainedModel:
    references = tuple(each for name, each in candidates.items() if name in REFERENCES)
    model: TrainedModel = replace(make_model(1_000), references=references, challengers=())
    return model


@pytest.mark.parametrize("learner", LEARNERS)
def test_corrected_model_reads_one_row_as_the_batch_and_comes_back_bit_for_bit(
    make_market: MakeMarket, make_settings: MakeSettings, make_model: Any, learner: str
) -> None:
    market = make_market(600, certainty=0.7)
    columns = market.table.names[1:]  # the reference reads a column that the learner does not
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    tried = try_candidates(data, make_settings(learner, columns=columns))
    assert tried is not None
    candidate = tried.candidates[learner]
    assert isinstance(candidate.up, Corrected)
    assert candidate.columns == (*columns, "imbalance")
    everyone = replace(tried_model(make_model, tried.candidates), champion=candidate)
    values = dict(zip(market.table.names, market.table.values[300].tolist(), strict=True))
    heard = Panel(everyone, "average").hear(Rows(values), lambda names: [0.5] * len(names))
    assert {name: said.p_up for name, said in heard.candidates.items()} == {
        each.name: probability(each, values) for each in tried.candidates.values()
    }  # though the reference is asked once
    candidate = replace(candidate, up=replace(candidate.up, share=0.7))
    model: TrainedModel = replace(make_model(), champion=candidate)
    rows = data.columns(candidate.columns)
    for again in (native.load(native.dump(model)), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(
            again.champion.up.probability(rows), candidate.up.probability(rows)
        )
    one_by_one = [candidate.up.probability_of(row) for row in rows.tolist()]
    np.testing.assert_allclose(one_by_one, candidate.up.probability(rows), rtol=0, atol=1e-12)


def test_learner_without_later_rows_says_what_the_first_reference_says(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(40, flat=0.0)
    settings = make_settings("lightgbm", validation_split=0.8, fewest_moved=30)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    tried = try_candidates(data, settings)
    assert tried is not None
    first = tried.candidates[REFERENCES[0]]
    np.testing.assert_allclose(
        tried.candidates["lightgbm"].p_up(data), first.p_up(data), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("learner", ["logistic", "lightgbm", "random_forest"])
def test_few_rows_cost_next_to_nothing_against_the_reference(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(3_000, certainty=0.75)
    few = market.rows(slice(0, 300))
    settings = make_settings(learner)
    settings.model.binding = True
    model = train(few.table, few.prices, 1_000, settings, trained_at_ms=0)
    assert model is not None
    later = labelled(market.table.rows(slice(310, 2_990)), market.prices, horizon_ms=1_000)
    right = (model.champion.p_up(later) > 0.5) == later.up
    sign = (later.columns(["imbalance"])[:, 0] > 0) == later.up
    moved = later.moved
    assert right[moved].mean() > sign[moved].mean() - 0.02


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_random_walk_with_a_spread_reads_one_half_on_the_mid(
    make_settings: MakeSettings, learner: str
) -> None:
    random = np.random.default_rng(8)
    size = 4_000
    mid = 100 * np.exp(np.cumsum(random.normal(0, 4e-5, size)))
    buys = random.random(size) < 0.5
    close = mid * np.where(buys, 1.00025, 0.99975)
    times = 1_000 * np.arange(size, dtype=np.int64)
    values = np.column_stack(
        [random.uniform(-1, 1, size), close / mid - 1, random.normal(size=size)]
    )
    names = ("imbalance", "close_against_mid", "noise")
    table = FeatureTable(
        times, names, values, 0.99975 * mid, 1.00025 * mid, close, np.ones(size, np.bool_)
    )
    prices = PriceSeries(times, mid, close, 1_000)
    evaluation, _ = evaluate(table, prices, 1_000, make_settings(learner, columns=names))
    score = evaluation.score
    assert score is not None
    assert score.low is not None
    assert score.high is not None
    assert score.low < 0.5 < score.high
    assert evaluation.verdict == "no skill"
