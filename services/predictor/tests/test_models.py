"""One contract for every kind of model, and what is special about each."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from marketstream.columns import Floats
from marketstream.errors import SettingsError
from predictor.models import (
    LEARNERS,
    Fit,
    Flags,
    calibrated_imbalance,
    fit_imbalance_sign,
    fit_logistic,
)
from predictor.models.logistic import Logistic
from predictor.models.parts.calibrated_imbalance import CalibratedImbalance
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.models.parts.learner import Learner
from predictor.settings import ModelSettings

KINDS: dict[str, Fit] = {
    **LEARNERS,
    "imbalance_sign": fit_imbalance_sign,
    "imbalance_calibrated": calibrated_imbalance(1_000, 0),
}

CORRECTING = [each for each in LEARNERS.values() if each.correct is not None]


@pytest.fixture(params=KINDS)
def fit(request: pytest.FixtureRequest) -> Fit:
    return KINDS[request.param]


@pytest.fixture
def up(noise: Floats) -> Flags:
    """What mostly follows the first column."""
    luck = np.random.default_rng(6).normal(size=len(noise))
    return noise[:, 0] + luck > 0


def with_holes(rows: Floats) -> Floats:
    holes = rows.copy()
    holes[np.random.default_rng(7).random(rows.shape) < 0.3] = np.nan
    return holes


ROWS: dict[str, Callable[[Floats], Floats]] = {
    "as they are": lambda rows: rows,
    "unknown values": with_holes,
    "a constant column": lambda rows: np.where(np.arange(6) == 1, 0.1, rows),
    "an unknown column": lambda rows: np.where(np.arange(6) == 1, np.nan, rows),
    "nothing known": lambda rows: np.full_like(rows, np.nan),
    "nothing differs": np.ones_like,
    "wild values": lambda rows: np.where(rows > 2, 1e12, rows),
    "infinite values": lambda rows: np.where(rows > 2, np.inf, rows),
    "few rows": lambda rows: rows[:3],
}


@pytest.mark.parametrize("rows_of", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("classes", ["both", "up", "down"])
def test_any_rows_and_classes_give_probabilities(
    fit: Fit, noise: Floats, up: Flags, rows_of: Callable[[Floats], Floats], classes: str
) -> None:
    rows = rows_of(noise)
    labels = {"both": up, "up": np.ones_like(up), "down": np.zeros_like(up)}[classes][: len(rows)]
    model = fit(rows, labels, {})
    for asked in (rows, noise, np.full_like(noise, np.nan), 1e9 * noise):
        p = model.probability(asked)
        assert p.shape == (len(asked),)
        assert p.dtype == np.float64
        assert ((p >= 0) & (p <= 1)).all()


def test_same_rows_give_the_same_model(fit: Fit, noise: Floats, up: Flags) -> None:
    one, other = fit(noise, up, {}), fit(noise.copy(), up.copy(), {})
    np.testing.assert_array_equal(one.probability(noise), other.probability(noise))


def test_pickled_model_gives_the_same_numbers(fit: Fit, noise: Floats, up: Flags) -> None:
    model = fit(noise, up, {})
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.probability(noise), model.probability(noise))


@pytest.mark.parametrize("rows_of", [ROWS["as they are"], with_holes], ids=["known", "with holes"])
def test_one_row_says_what_the_batch_says(
    fit: Fit, noise: Floats, up: Flags, rows_of: Callable[[Floats], Floats]
) -> None:
    model = fit(noise, up, {})
    rows = np.vstack([rows_of(noise), 100 * noise[:50], np.zeros((1, 6))])
    one_by_one = [model.probability_of(row) for row in rows.tolist()]
    np.testing.assert_allclose(one_by_one, model.probability(rows), rtol=0, atol=1e-12)


def test_every_kind_learns_what_is_there_to_learn(fit: Fit, noise: Floats, up: Flags) -> None:
    p = fit(noise[:300], up[:300], {}).probability(noise[300:])
    assert np.mean((p > 0.5) == up[300:]) > 0.65


def test_logistic_mean_and_scale_come_from_the_rows_given(noise: Floats, up: Flags) -> None:
    rows = with_holes(noise)
    model = fit_logistic(rows[:200], up[:200], {})
    assert isinstance(model, Logistic)
    np.testing.assert_allclose(model.mean, np.nanmean(rows[:200], axis=0), atol=1e-12)
    np.testing.assert_allclose(model.scale, np.nanstd(rows[:200], axis=0), rtol=1e-12)


def test_logistic_counts_an_unknown_value_as_the_mean(noise: Floats, up: Flags) -> None:
    model = fit_logistic(noise, up, {})
    row = noise[0].tolist()
    unknown, mean = list(row), list(row)
    unknown[0], mean[0] = float("nan"), model.mean[0]
    assert model.probability_of(unknown) == pytest.approx(model.probability_of(mean), abs=1e-12)


def test_logistic_does_not_let_one_wild_value_decide_alone(noise: Floats, up: Flags) -> None:
    model = fit_logistic(noise, up, {})
    row = noise[0].tolist()
    far = [model.mean[0] + 5 * model.scale[0], *row[1:]]
    assert model.probability_of([1e12, *row[1:]]) == pytest.approx(model.probability_of(far))


def test_logistic_learns_nothing_from_the_rounding_of_a_constant_column(
    noise: Floats, up: Flags
) -> None:
    rows = noise.copy()
    rows[:, 1] = 0.1  # its mean is not exactly 0.1
    model = fit_logistic(rows, up, {})
    moved = rows.copy()
    moved[:, 1] = 0.2
    np.testing.assert_allclose(model.probability(moved), model.probability(rows), atol=1e-6)


def test_logistic_with_one_class_answers_its_share(noise: Floats) -> None:
    p = fit_logistic(noise[:8], np.ones(8, np.bool_), {}).probability(noise)
    np.testing.assert_allclose(p, 0.9)


def test_logistic_penalty_is_a_hyperparameter(noise: Floats, up: Flags) -> None:
    loose, tight = (fit_logistic(noise, up, {"C": c}).weights[0] for c in (10, 0.0001))
    assert abs(tight) < 0.1 * abs(loose)


def test_weights_however_large_do_not_overflow() -> None:
    model = Logistic((0.0,), (1.0,), (1e6,), 0.0)
    assert model.probability_of([-3.0]) == 0.0
    assert model.probability(np.array([[-3.0], [3.0]])).tolist() == [0.0, 1.0]


def test_imbalance_sign_answers_with_the_share_that_came_true() -> None:
    rows = np.array([[0.2], [0.4], [-0.1], [-0.9], [0.3], [0.0], [np.nan]])
    up = np.array([True, True, False, False, False, True, True])
    model = fit_imbalance_sign(rows, up, {})
    assert model.hit_rate == 5 / 7  # four of the five that told, and one of two assumed
    np.testing.assert_allclose(
        model.probability(np.array([[0.1], [-0.1], [0.0], [np.nan]])), [5 / 7, 2 / 7, 0.5, 0.5]
    )


@given(
    arrays(np.float64, (5, 3), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.floats(0, 1),
)
def test_plain_floats_agree_with_arrays_on_any_row(rows: Floats, hit_rate: float) -> None:
    logistic = Logistic((0.5, -2.0, 1e6), (0.1, 3.0, 1e5), (0.7, -1.5, 2.0), 0.2)
    with np.errstate(over="ignore"):
        for model in (logistic, ImbalanceSign(hit_rate)):
            one_by_one = [model.probability_of(row) for row in rows.tolist()]
            np.testing.assert_allclose(one_by_one, model.probability(rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [-1, 0, 1, 2, 12])
@pytest.mark.parametrize(
    "learner", [name for name in LEARNERS if "max_depth" in LEARNERS[name].hyperparameters]
)
def test_trees_of_any_depth_can_be_fitted(
    noise: Floats, up: Flags, depth: int, learner: str
) -> None:
    p = LEARNERS[learner](noise, up, {"max_depth": depth}).probability(noise)
    assert np.mean((p > 0.5) == up) > 0.65


def test_every_learner_can_be_set_and_its_hyperparameters_are_checked() -> None:
    assert set(LEARNERS) >= {
        "gradient_boosting", "lightgbm", "logistic", "random_forest", "xgboost"
    }  # fmt: skip
    for name, learner in LEARNERS.items():
        given = {name: each.default for name, each in learner.hyperparameters.items()}
        assert ModelSettings(type=name, hyperparameters=given).type == learner.name == name
        with pytest.raises(ValueError, match=f"no hyperparameter of {name}"):
            ModelSettings(type=name, hyperparameters={"max_dept": 3})


@pytest.mark.parametrize("learner", LEARNERS)
def test_misspelt_hyperparameter_is_named_with_those_there_are(
    learner: str, noise: Floats, up: Flags
) -> None:
    with pytest.raises(SettingsError, match=f"max_dept is no hyperparameter of {learner}; known"):
        LEARNERS[learner](noise, up, {"max_dept": 3})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("n_estimators", 0, "a whole number from 1"),
        ("n_estimators", 2.5, "a whole number"),
        ("learning_rate", 0, "above 0 to 1"),
        ("learning_rate", float("nan"), "a number"),
        ("lambda_l2", -1, "from 0"),
    ],
)
def test_hyperparameter_that_makes_no_sense_is_named(name: str, value: float, said: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} = .*{said}"):
        LEARNERS["lightgbm"].checked({name: value})


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_hyperparameter_can_be_set_to_its_default(
    learner: str, noise: Floats, up: Flags
) -> None:
    given = {
        name: parameter.default for name, parameter in LEARNERS[learner].hyperparameters.items()
    }
    one, other = LEARNERS[learner](noise, up, {}), LEARNERS[learner](noise, up, given)
    np.testing.assert_array_equal(one.probability(noise), other.probability(noise))


@pytest.mark.parametrize("holes", [False, True])
def test_plain_trees_say_what_gradient_boosting_of_scikit_learn_says(
    noise: Floats, up: Flags, monkeypatch: pytest.MonkeyPatch, holes: bool
) -> None:
    rows = with_holes(noise) if holes else noise
    fitted = []

    class Watched(HistGradientBoostingClassifier):
        def fit(self, *args: Any) -> Any:
            fitted.append(self)
            return super().fit(*args)

    monkeypatch.setattr("sklearn.ensemble.HistGradientBoostingClassifier", Watched)
    plain = LEARNERS["gradient_boosting"](rows, up, {})
    asked = np.vstack([rows, 100 * noise, with_holes(noise)])
    np.testing.assert_allclose(
        plain.probability(asked), fitted[0].predict_proba(asked)[:, 1], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("holes", [False, True])
def test_plain_trees_say_what_a_forest_of_scikit_learn_says_but_for_certainty(
    noise: Floats, up: Flags, monkeypatch: pytest.MonkeyPatch, holes: bool
) -> None:
    rows = (with_holes(noise) if holes else noise).astype(np.float32).astype(np.float64)
    fitted = []

    class Watched(RandomForestClassifier):
        def fit(self, *args: Any) -> Any:
            fitted.append(self)
            return super().fit(*args)

    monkeypatch.setattr("sklearn.ensemble.RandomForestClassifier", Watched)
    plain = LEARNERS["random_forest"](rows, up, {})
    theirs = []
    for tree in fitted[0].estimators_:
        share = tree.predict_proba(rows)[:, 1]
        seen = tree.tree_.weighted_n_node_samples[tree.apply(rows)]
        theirs.append((share * seen + 1) / (seen + 2))
    np.testing.assert_allclose(plain.probability(rows), np.mean(theirs, axis=0), rtol=0, atol=1e-12)


def test_forest_is_never_certain_of_leaves_with_few_rows(noise: Floats, up: Flags) -> None:
    p = LEARNERS["random_forest"](noise, up, {"min_samples_leaf": 1, "max_depth": 0}).probability(
        noise
    )
    assert 0 < p.min() < p.max() < 1


@pytest.mark.parametrize("learner", CORRECTING, ids=[each.name for each in CORRECTING])
@pytest.mark.parametrize("rows_of", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("classes", ["both", "up", "down"])
def test_correction_of_any_rows_and_classes_is_finite(
    learner: Learner, noise: Floats, up: Flags, rows_of: Callable[[Floats], Floats], classes: str
) -> None:
    rows = rows_of(noise)
    labels = {"both": up, "up": np.ones_like(up), "down": np.zeros_like(up)}[classes][: len(rows)]
    added = learner.on_top(rows, labels, {}, np.linspace(-2, 2, len(rows)))
    p = added.probability(noise)
    assert ((p > 0) & (p < 1)).all()


@pytest.mark.parametrize("learner", CORRECTING, ids=[each.name for each in CORRECTING])
def test_correction_adds_little_to_a_reference_that_is_right(learner: Learner) -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(4_000, 4))
    truth = 2 * rows[:, 0]
    up = random.random(4_000) < 0.5 + 0.5 * np.tanh(truth / 2)
    right = learner.on_top(rows, up, {}, truth).probability(rows)
    wrong = learner.on_top(rows, up, {}, np.zeros(4_000)).probability(rows)
    assert np.abs(right - 0.5).mean() < 0.05
    assert np.abs(wrong - 0.5).mean() > 0.15


def test_calibrated_imbalance_finds_the_odds_and_begins_where_it_was_measured() -> None:
    fit = calibrated_imbalance(1_000, 0)
    none = fit(np.zeros((0, 1)), np.zeros(0, np.bool_), {})
    assert none == CalibratedImbalance(1.5, 0.0)
    late = calibrated_imbalance(4_000, 620)(np.zeros((0, 1)), np.zeros(0, np.bool_), {})
    assert isinstance(late, CalibratedImbalance)
    assert late.slope == pytest.approx(0.75 / np.e)
    random = np.random.default_rng(4)
    side = random.uniform(-1, 1, (20_000, 1))
    odds = 1.0 * side[:, 0] + 2.0 * side[:, 0] * np.abs(side[:, 0])
    found = fit(side, random.random(20_000) < 0.5 + 0.5 * np.tanh(odds / 2), {})
    np.testing.assert_allclose(found.probability(side), 0.5 + 0.5 * np.tanh(odds / 2), atol=0.05)
    np.testing.assert_allclose(found.probability(-side), 1 - found.probability(side), atol=1e-12)
