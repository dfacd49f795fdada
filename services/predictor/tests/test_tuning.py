"""The search for hyperparameters: on log loss, within its space and time, and resumable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketstream.errors import InputError, StateError
from predictor.models import LEARNERS
from predictor.settings import PredictorSettings, TuningSettings
from predictor.training.dataset import Dataset, labelled
from predictor.training.tuning import Trial, tune

type MakeSettings = Callable[..., PredictorSettings]


@pytest.fixture
def data(make_market: Callable[..., Any]) -> Dataset:
    market = make_market(600)
    return labelled(market.table, market.prices, horizon_ms=1_000)


def searching(settings: PredictorSettings, **tuning: Any) -> PredictorSettings:
    return settings.model_copy(update={"tuning": TuningSettings.model_validate(tuning)})


def test_search_ends_no_worse_than_it_began_and_tells_how_it_stands(
    data: Dataset, make_settings: MakeSettings
) -> None:
    told: list[Trial] = []
    settings = searching(make_settings("lightgbm", folds=3), trials=8)
    tuned = tune(data, settings, study="test", advanced=told.append)
    assert [(trial.number, trial.of) for trial in told] == [(n, 8) for n in range(1, 9)]
    assert told[-1].best == tuned.log_loss
    assert tuned.first_log_loss is not None
    assert tuned.log_loss <= tuned.first_log_loss
    assert tuned.trials == 8
    space = settings.tuning.space["lightgbm"]
    assert tuned.hyperparameters.keys() == space.keys()
    for name, value in tuned.hyperparameters.items():
        assert space[name].low <= value <= space[name].high
    assert LEARNERS["lightgbm"].checked(tuned.hyperparameters)


def test_same_rows_and_settings_find_the_same(data: Dataset, make_settings: MakeSettings) -> None:
    settings = searching(make_settings("logistic"), trials=6)
    one, other = (tune(data, settings, study="test") for _ in range(2))
    assert one.hyperparameters == other.hyperparameters
    assert one.log_loss == other.log_loss


def test_search_goes_on_where_it_stopped_but_not_on_other_rows(
    data: Dataset, make_settings: MakeSettings, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'tuning.sqlite'}"
    told: list[Trial] = []

    def search(rows: Dataset, trials: int) -> int:
        settings = searching(make_settings("logistic"), trials=trials, storage=storage)
        return tune(rows, settings, study="test", advanced=told.append).trials

    assert search(data, 3) == 3
    assert search(data, 5) == 5
    assert [trial.number for trial in told] == [1, 2, 3, 4, 5]
    assert search(data, 5) == 5
    assert len(told) == 5
    assert search(data.take(data.times_ms < 500_000), 2) == 2
    assert len(told) == 7


def test_time_ends_a_search(data: Dataset, make_settings: MakeSettings) -> None:
    settings = searching(make_settings("logistic"), trials=1_000_000, seconds=1)
    assert 1 <= tune(data, settings, study="test").trials < 1_000_000


def test_trials_without_a_chance_are_cut_short(data: Dataset, make_settings: MakeSettings) -> None:
    space = {"lightgbm": {"learning_rate": {"low": 0.001, "high": 1.0, "log": True}}}
    settings = searching(make_settings("lightgbm"), trials=20, space=space)
    assert tune(data, settings, study="test").pruned > 0


def test_configured_hyperparameters_outside_the_space_stay(
    data: Dataset, make_settings: MakeSettings
) -> None:
    space = {"lightgbm": {"max_depth": {"low": 2, "high": 3}}}
    settings = searching(make_settings("lightgbm"), trials=2, space=space)
    settings.model.hyperparameters = {"n_estimators": 7, "max_depth": 9}
    tuned = tune(data, settings, study="test")
    assert tuned.hyperparameters["n_estimators"] == 7
    assert tuned.hyperparameters["max_depth"] in (2, 3)


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_has_a_space_of_values_that_make_sense(
    data: Dataset, make_settings: MakeSettings, learner: str
) -> None:
    for name, tried in LEARNERS[learner].space.items():
        known = LEARNERS[learner].hyperparameters[name]
        assert known.least <= tried.low < tried.high <= known.most
    settings = searching(make_settings(learner, folds=1), trials=2, space={})
    assert (
        tune(data, settings, study="test").hyperparameters.keys() == LEARNERS[learner].space.keys()
    )


def test_rows_that_do_not_suffice_and_a_storage_that_is_none_are_said(
    data: Dataset, make_settings: MakeSettings, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="too few to tune on"):
        tune(data.take(data.times_ms < 9_000), make_settings("logistic"), study="test")
    nowhere = f"sqlite:///{tmp_path / 'missing' / 'tuning.sqlite'}"
    with pytest.raises(StateError, match="unable to open database file"):
        tune(data, searching(make_settings("logistic"), storage=nowhere), study="test")
