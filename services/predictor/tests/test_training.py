from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from marketstream.columns import FeatureTable, Floats, PriceSeries
from predictor.models import LEARNERS
from predictor.serving.forecast import forecast
from predictor.settings import PredictorSettings
from predictor.training.calibration import Calibrated, log_loss
from predictor.training.candidates import REFERENCES
from predictor.training.dataset import labelled
from predictor.training.fitting import TrainedModel, train, train_horizons, try_candidates

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]


def fitted(market: Any, settings: PredictorSettings, horizon_ms: int = 1_000) -> TrainedModel:
    model = train(market.table, market.prices, horizon_ms, settings, trained_at_ms=7)
    assert model is not None
    return model


def said(model: TrainedModel, table: FeatureTable) -> Floats:
    champion = model.champion
    return champion.up.probability(table.columns(champion.columns))


def coverage(model: TrainedModel, market: Any, rows: range) -> float:
    """Return the share of rows whose price a while later lies within the bounds."""
    steps = (model.horizon_ms + model.latency_ms) // 1_000
    inside = []
    for row in rows:
        values = dict(zip(market.table.names, market.table.values[row].tolist(), strict=True))
        bounds = forecast(model, values, float(market.prices.mid[row]))
        inside.append(bounds.low <= market.prices.mid[row + steps] <= bounds.high)
    return float(np.mean(inside))


@pytest.mark.parametrize("learner", LEARNERS)
def test_same_input_gives_the_same_model(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(500, certainty=0.7)
    one, other = (fitted(market, make_settings(learner)) for _ in range(2))
    candidates = {"champion", "references", "moves"}
    for name in {f.name for f in fields(TrainedModel)} - candidates:
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_array_equal(said(one, market.table), said(other, market.table))
    assert one.moves == other.moves


@pytest.mark.parametrize("learner", LEARNERS)
def test_learner_that_has_nothing_to_add_loses_nothing_to_its_reference(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(400)
    tried = try_candidates(
        labelled(market.table, market.prices, horizon_ms=1_000), make_settings(learner)
    )
    assert tried is not None
    assert list(tried.candidates) == [*REFERENCES, learner]
    later = make_market(2_000, seed=9)
    rows = labelled(later.table, later.prices, horizon_ms=1_000)
    loss = {
        name: log_loss(each.p_up(rows)[rows.moved], rows.up[rows.moved])
        for name, each in tried.candidates.items()
    }
    assert loss[learner] < max(loss[name] for name in REFERENCES) + 0.005


def test_learner_that_sees_more_than_the_references_serves(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(800)
    columns = list(range(len(market.table.names)))
    columns[0], columns[-1] = columns[-1], columns[0]  # now a feature of no reference decides
    table = replace(market.table, values=market.table.values[:, columns])
    model = train(table, market.prices, 1_000, make_settings("logistic"), trained_at_ms=0)
    assert model is not None
    assert model.champion.name == "logistic"
    assert np.mean((said(model, table) > 0.5) == (market.table.values[:, 0] > 0)) > 0.9


def test_too_few_moves_give_no_model(make_market: MakeMarket, make_settings: MakeSettings) -> None:
    market = make_market(31, flat=0.0)
    settings = make_settings(fewest_moved=31)
    assert train(market.table, market.prices, 1_000, settings, trained_at_ms=0) is not None
    fewer = market.table.rows(slice(0, 30))
    assert train(fewer, market.prices, 1_000, settings, trained_at_ms=0) is None


def test_market_that_stands_still_gives_no_model(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(200, flat=1.0)
    assert train(market.table, market.prices, 1_000, make_settings(), trained_at_ms=0) is None


def test_nothing_seen_gives_no_model(make_market: MakeMarket, make_settings: MakeSettings) -> None:
    nothing = make_market(50).table.rows(slice(0, 0))
    prices = PriceSeries(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), 1_000)
    assert train(nothing, prices, 1_000, make_settings(), trained_at_ms=0) is None


def test_too_little_to_choose_by_serves_the_first_reference(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(40, flat=0.0)
    model = fitted(market, make_settings(validation_split=0.8, fewest_moved=30))
    assert model.champion.name == REFERENCES[0]
    assert model.validation == {}
    assert model.low < model.high


def test_without_the_imbalance_only_the_learner_is_there(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(300)
    table = replace(market.table, names=("a", *market.table.names[1:]))
    settings = make_settings(columns=("a", "noise_1"))
    model = train(table, market.prices, 1_000, settings, trained_at_ms=0)
    assert model is not None
    assert model.champion.name == "logistic"
    assert model.references == ()


def test_incomplete_candles_are_not_learnt_from(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(300)
    lies = market.table.values.copy()
    lies[::3] = 1e6
    broken = np.arange(300) % 3 != 0
    lying = replace(market.table, values=lies, complete=broken)
    marked = replace(market.table, complete=broken)
    one = train(lying, market.prices, 1_000, make_settings(), trained_at_ms=0)
    other = train(marked, market.prices, 1_000, make_settings(), trained_at_ms=0)
    assert one is not None
    assert other is not None
    assert one.rows == 200
    assert one.validation == other.validation


def test_label_close_learns_from_the_last_price(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(400, certainty=1.0)
    prices = replace(market.prices, close=1 / market.prices.mid)  # goes the other way
    settings = make_settings("logistic")
    mid = train(market.table, prices, 1_000, settings, trained_at_ms=0)
    close = train(market.table, prices, 1_000, settings, trained_at_ms=0, label="close")
    assert mid is not None
    assert close is not None
    np.testing.assert_allclose(said(mid, market.table), 1 - said(close, market.table), atol=1e-6)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("level", [0.5, 0.8])
@pytest.mark.parametrize("latency_ms", [0, 3_000])
def test_interval_holds_about_its_level_of_later_prices(
    make_market: MakeMarket,
    make_settings: MakeSettings,
    learner: str,
    level: float,
    latency_ms: int,
) -> None:
    market = make_market(5_000, seed=3, flat=0.1)
    columns = [*range(1, len(market.table.names)), 0]
    table = replace(market.table, values=market.table.values[:, columns])  # trees overfit at this
    settings = make_settings(learner).model_copy(update={"interval_level": level})
    model = train(
        table.rows(slice(0, 3_000)), market.prices, 1_000, settings,
        trained_at_ms=0, latency_ms=latency_ms,
    )  # fmt: skip
    assert model is not None
    later = range(3_000, 4_990)
    assert coverage(model, replace(market, table=table), later) == pytest.approx(level, abs=0.07)


def test_interval_is_not_flattered_by_trees_that_know_their_rows_by_heart(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(1_500, certainty=0.5, flat=0.0)
    names = ("a", *market.table.names[1:])  # no reference to choose instead
    table = replace(market.table, names=names)
    settings = make_settings("lightgbm", columns=names)
    settings.model.hyperparameters = {"min_child_samples": 1, "learning_rate": 0.5, "max_depth": 0}
    model = train(table.rows(slice(0, 500)), market.prices, 1_000, settings, trained_at_ms=0)
    assert model is not None
    assert (
        np.mean((said(model, table)[:500] > 0.5) == (np.diff(market.prices.mid)[:500] > 0)) > 0.95
    )
    assert coverage(model, replace(market, table=table), range(500, 1_500)) > model.level - 0.1


def test_overconfident_trees_are_calibrated_on_later_rows_and_keep_their_direction(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(1_500, certainty=0.65, flat=0.0)
    names = ("a", *market.table.names[1:])  # no reference to choose instead
    table = replace(market.table, names=names)
    settings = make_settings("lightgbm", columns=names)
    settings.model.hyperparameters = {"min_child_samples": 1, "learning_rate": 0.5, "max_depth": 0}
    model = train(table.rows(slice(0, 1_000)), market.prices, 1_000, settings, trained_at_ms=0)
    assert model is not None
    calibrated = model.champion.up
    assert isinstance(calibrated, Calibrated)
    assert calibrated.slope < 0.5
    came = np.diff(market.prices.mid)[1_000:] > 0
    asked = table.columns(names)[1_000:]
    raw, calm = calibrated.classifier.probability(asked), calibrated.probability(asked)
    assert log_loss(calm, came) < log_loss(raw, came) - 0.1
    np.testing.assert_array_equal(calm > 0.5, raw > 0.5)


def test_majority_and_move_size_are_those_of_the_moved_rows(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(400, flat=0.4)
    model = fitted(market, make_settings())
    returns = np.diff(np.log(market.prices.mid))
    moved = returns[returns != 0]
    assert model.majority == ("up" if np.mean(moved > 0) >= 0.5 else "down")
    assert model.move_size == pytest.approx(np.mean(np.abs(moved)))


def test_each_horizon_with_enough_rows_gets_a_model(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(100, flat=0.0)
    models = train_horizons(
        market.table, market.prices, [1_000, 2_000, 90_000], make_settings(),
        trained_at_ms=7, latency_ms=10,
    )  # fmt: skip
    assert list(models) == [1_000, 2_000]
    assert {(m.version, m.trained_at_ms, m.latency_ms) for m in models.values()} == {("7", 7, 10)}


@pytest.mark.parametrize("learner", LEARNERS)
def test_trained_model_can_be_sent_to_another_process(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(300)
    model = fitted(market, make_settings(learner))
    again = pickle.loads(pickle.dumps(model))
    values = dict(zip(market.table.names, market.table.values[0].tolist(), strict=True))
    assert forecast(again, values, 100.0) == forecast(model, values, 100.0)


def test_candidate_of_whose_columns_nothing_is_known_does_not_serve(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market()
    values = market.table.values.copy()
    values[:, market.table.names.index("imbalance")] = np.nan
    blind = replace(market.table, values=values)
    model = train(blind, market.prices, 1_000, make_settings(), trained_at_ms=7)
    assert model is not None
    assert model.champion.name != "imbalance_sign"
    waiting, fitted = model.references  # the first needs no rows, and sleeps until there are quotes
    assert (waiting.name, fitted.name) == ("imbalance_calibrated", "logistic_five")
    assert waiting.name not in model.validation
    nothing = replace(market.table, values=np.full_like(values, np.nan))
    assert train(nothing, market.prices, 1_000, make_settings(), trained_at_ms=7) is None


def test_the_loss_to_be_expected_has_two_standard_errors_on_top(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(4_000, certainty=0.7)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    tried = try_candidates(data, make_settings("logistic"))
    assert tried is not None
    moved = tried.judged.moved
    losses = (tried.said["logistic"] - tried.judged.up)[moved] ** 2
    allowed = (tried.loss("logistic") or 0.0) - losses.mean()
    # Rows that do not overlap depend on each other no more than by chance.
    assert allowed == pytest.approx(2 * losses.std() / np.sqrt(len(losses)), rel=0.3)
