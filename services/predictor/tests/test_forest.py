"""Many boosters at once: the bits that each of them gives alone, or nothing."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketstream.columns import Floats
from predictor.models.lightgbm import LEARNER, Trees
from predictor.models.parts.forest import Flat, Forest
from predictor.serving.at_once import FEWEST, AtOnce
from predictor.serving.forecast import probability
from predictor.serving.panel import Panel
from predictor.serving.rows import Rows
from predictor.training.correction import Corrected
from predictor.training.dataset import labelled
from predictor.training.fitting import try_candidates


def fitted(rows: Floats, seed: int, **chosen: float) -> Trees:
    random = np.random.default_rng(seed)
    up = np.nan_to_num(rows[:, seed % rows.shape[1]]) + random.normal(size=len(rows)) > 0
    trees = LEARNER(rows, up, chosen)
    assert isinstance(trees, Trees)
    return trees


def forest_of(boosters: list[Trees]) -> Forest:
    flats = [each.flat for each in boosters]
    assert all(isinstance(each, Flat) for each in flats)
    return Forest([each for each in flats if each is not None])


@pytest.fixture(scope="module")
def whole(noise: Floats) -> Floats:
    return np.nan_to_num(noise)


@pytest.fixture(scope="module")
def boosters(whole: Floats) -> list[Trees]:
    rounds = {"n_estimators": 7, "max_depth": 2}  # fewer trees, and smaller ones
    return [*(fitted(whole, seed) for seed in range(3)), fitted(whole, 3, **rounds)]


def test_all_say_at_once_what_each_says_alone(boosters: list[Trees], whole: Floats) -> None:
    forest = forest_of(boosters)
    said = [forest.ask(row) for row in whole.tolist()]
    assert said == [[each.probability_of(row) for each in boosters] for row in whole.tolist()]
    assert len({each[0] for each in said if each is not None}) > 50


def test_values_next_to_zero_count_as_zero_and_wild_ones_as_they_are(
    boosters: list[Trees], whole: Floats
) -> None:
    random, forest = np.random.default_rng(4), forest_of(boosters)
    scale = 10.0 ** random.integers(-40, 40, whole.shape)
    rows = np.where(random.random(whole.shape) < 0.3, 0.0, whole * scale)
    border = float(np.float32(1e-35))
    rows[:4] = np.array([border, -border, -0.0, np.inf])[:, None]
    for row in rows.tolist():
        assert forest.ask(row) == [each.probability_of(row) for each in boosters]


def test_trees_that_split_at_zero_itself_say_the_same(whole: Floats) -> None:
    rows = np.where(np.random.default_rng(5).random(whole.shape) < 0.5, 0.0, whole)
    boosters = [fitted(rows, seed) for seed in range(2)]
    assert any("1.0000000180025095e-35" in each.text for each in boosters)
    forest = forest_of(boosters)
    for row in (*rows.tolist(), *(rows * 1e-36).tolist()):
        assert forest.ask(row) == [each.probability_of(row) for each in boosters]


def test_a_row_of_which_not_all_is_known_is_for_the_boosters(
    boosters: list[Trees], whole: Floats
) -> None:
    row = whole[0].tolist()
    assert forest_of(boosters).ask([np.nan, *row[1:]]) is None


def test_a_booster_that_learnt_nothing_takes_part(boosters: list[Trees], whole: Floats) -> None:
    trees = LEARNER(whole[:10], np.arange(10) % 2 == 0, {})  # too few rows for a split
    assert isinstance(trees, Trees)
    several = [trees, *boosters]
    row = whole[1].tolist()
    assert forest_of(several).ask(row) == [each.probability_of(row) for each in several]


def test_one_alone_says_the_same(boosters: list[Trees], whole: Floats) -> None:
    forest = forest_of(boosters[:1])
    for row in whole.tolist():
        assert forest.ask(row) == [boosters[0].probability_of(row)]


def test_what_learnt_from_unknown_values_says_the_same_where_all_is_known(
    noise: Floats, whole: Floats
) -> None:
    holes = noise.copy()
    holes[np.random.default_rng(6).random(holes.shape) < 0.1] = np.nan
    several = [fitted(holes, seed) for seed in range(2)]
    forest = forest_of(several)
    for row in whole.tolist():
        assert forest.ask(row) == [each.probability_of(row) for each in several]


@pytest.mark.parametrize("leaves", [2, 16, 17, 32])
def test_trees_up_to_32_leaves_say_the_same(whole: Floats, leaves: int) -> None:
    chosen = {"num_leaves": leaves, "max_depth": 0, "min_child_samples": 1, "n_estimators": 9}
    several = [fitted(whole, seed, **chosen) for seed in range(2)]
    assert f"num_leaves={leaves}\n" in several[0].text
    forest = forest_of(several)
    for row in whole.tolist():
        assert forest.ask(row) == [each.probability_of(row) for each in several]


def test_large_trees_are_asked_alone(whole: Floats) -> None:
    large = {"num_leaves": 40, "max_depth": 0, "min_child_samples": 1}
    trees = fitted(whole, 1, **large)
    assert trees.flat is None
    assert pickle.loads(pickle.dumps(trees)).flat is None


def test_what_a_forest_needs_is_sent_along(boosters: list[Trees], whole: Floats) -> None:
    sent = pickle.loads(pickle.dumps(boosters))
    row = whole[2].tolist()
    assert forest_of(sent).ask(row) == [each.probability_of(row) for each in boosters]


def test_boosters_of_all_horizons_are_asked_at_once_and_say_what_candidates_say(
    make_market: Any, make_settings: Any, make_model: Any
) -> None:
    market = make_market(600, certainty=0.7)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    candidates = []
    for seed in range(FEWEST):
        settings = make_settings("lightgbm")
        model = settings.model.model_copy(update={"hyperparameters": {"n_estimators": 5 + seed}})
        tried = try_candidates(data, settings.model_copy(update={"model": model}))
        assert tried is not None
        candidate = tried.candidates["lightgbm"]
        assert isinstance(candidate.up, Corrected)
        candidates.append(replace(candidate, up=replace(candidate.up, share=0.5)))
    models = [replace(make_model(1_000), champion=candidate) for candidate in candidates]
    panels = [Panel(model, "average") for model in models]
    at_once = AtOnce(panels)
    for row in market.table.values[:50].tolist():
        values = dict(zip(market.table.names, row, strict=True))
        rows = Rows(values)
        rows.said = at_once.ask(rows)
        assert len(rows.said) == len(candidates)
        for panel, candidate in zip(panels, candidates, strict=True):
            heard = panel.hear(rows, lambda names: [1 / len(names)] * len(names))
            assert heard.candidates["lightgbm"].p_up == probability(candidate, values)
    assert AtOnce(panels[1:]).ask(rows) == {}
    unknown = Rows(values | {market.table.names[0]: None})
    assert at_once.ask(unknown) == {}


def test_boosters_of_fewer_columns_stand_beside_others(whole: Floats) -> None:
    narrow, wide = whole[:, :2], whole
    boosters = [fitted(narrow, 0), *(fitted(wide, seed) for seed in range(3))]
    forest = forest_of(boosters)
    for row in whole[:200].tolist():
        alone = [boosters[0].probability_of(row[:2])]
        assert forest.ask(row) == alone + [each.probability_of(row) for each in boosters[1:]]
