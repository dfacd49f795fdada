"""What serves is the average of all candidates: live as in evaluations, and after restarts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from marketstream.messages import Features, Outcome, Prediction
from predictor.models.logistic import Logistic
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.policy.offline import ask, averaged
from predictor.serving.operator import Predictor
from predictor.settings import PredictorSettings, Serve
from predictor.training.candidates import Candidate, Earlier
from predictor.training.dataset import Dataset, labelled
from predictor.training.fitting import TrainedModel, train
from predictor.validation.out_of_sample import walk
from predictor.validation.splits import walk_forward

type MakeFeatures = Callable[..., Features]
type MakeModel = Callable[..., TrainedModel]

HORIZON_MS, LATENCY_MS = 3_000, 500


def predictor_of(serve: Serve = "average", *horizons_ms: int) -> Predictor:
    return Predictor(
        "binance:BTC/USDT",
        timeframe="1s",
        base="1s",
        horizons_ms=horizons_ms or (1_000,),
        serve=serve,
    )


def predictions(following: Sequence[Prediction | Outcome]) -> list[Prediction]:
    return [message for message in following if isinstance(message, Prediction)]


def served(prediction: Prediction) -> float:
    return prediction.p_up / (prediction.p_up + prediction.p_down)


def reads(name: str, column: str, weight: float) -> Candidate:
    return Candidate(name, (column,), Logistic((0.0,), (1.0,), (weight,), 0.0))


@pytest.fixture(scope="session")
def models(make_model: MakeModel) -> dict[str, TrainedModel]:
    """Three trainings one after the other; the champion is a reference, then the learner."""

    def trained(version: str, champion: str, weight: float, *earlier: Earlier) -> TrainedModel:
        sign = Candidate("imbalance_sign", ("imbalance",), ImbalanceSign(0.7))
        references = (sign, reads("imbalance_calibrated", "imbalance", weight))
        learner = reads("lightgbm", "noise_1", weight / 2)
        return replace(
            make_model(HORIZON_MS, version=version, latency_ms=LATENCY_MS),
            champion=learner if champion == "lightgbm" else sign,
            references=references,
            challengers=() if champion == "lightgbm" else (learner,),
            earlier=earlier,
        )

    first = trained("1", "imbalance_sign", 0.6)
    before = Earlier("1", first.challengers[0])
    second = trained("2", "lightgbm", 0.9, before)
    third = trained("3", "imbalance_sign", 0.3, Earlier("2", second.champion), before)
    return {"1": first, "2": second, "3": third}


@pytest.fixture(scope="session")
def messages(make_market: Callable[..., Any], make_features: MakeFeatures) -> list[Features]:
    """Ten minutes of closes a second apart; now and then a feature is not known."""
    market = make_market(600, certainty=0.7)
    names = market.table.names
    found = []
    for row, values in enumerate(market.table.values.tolist()):
        known: dict[str, float | None] = dict(zip(names, values, strict=True))
        if row % 17 == 0:
            known["noise_1"] = None
        if row % 51 == 0:
            known["imbalance"] = None
        message = make_features(1_000 * row, float(market.prices.mid[row]), **known)
        found.append(message)
    return found


@pytest.fixture(scope="session")
def rows(make_market: Callable[..., Any], messages: list[Features]) -> Dataset:
    """The same closes as rows with labels."""
    market = make_market(600, certainty=0.7)
    values = np.array([list(each.values.values()) for each in messages], np.float64)
    return labelled(
        replace(market.table, values=values), market.prices,
        horizon_ms=HORIZON_MS, latency_ms=LATENCY_MS,
    )  # fmt: skip


def run(
    predictor: Predictor,
    messages: Sequence[Features],
    installs: Mapping[int, TrainedModel],
    restarts: Sequence[int] = (),
) -> dict[int, Prediction]:
    """Return the predictions by close; models are installed, and restarts made, before closes."""
    said: dict[int, Prediction] = {}
    for row, message in enumerate(messages):
        if row in restarts:
            models, snapshot = predictor.models, predictor.snapshot()
            predictor = predictor_of("average", HORIZON_MS)
            if row % 2:  # the order is the runner's business
                predictor.install(models)
                predictor.restore(snapshot)
            else:
                predictor.restore(snapshot)
                predictor.install(models)
            assert predictor.snapshot() == snapshot
        if row in installs:
            predictor.install({HORIZON_MS: installs[row]})
        said |= {each.close_time_ms: each for each in predictions(predictor.update(message))}
    return said


def test_stream_serves_what_an_evaluation_computes_of_the_same_rows(
    models: dict[str, TrainedModel], messages: list[Features], rows: Dataset
) -> None:
    installs = {0: models["1"], 200: models["2"], 400: models["3"]}
    said = run(predictor_of("average", HORIZON_MS), messages, installs)
    begins = [*installs, len(messages)]
    parts = [
        rows.take((rows.times_ms >= 1_000 * begin) & (rows.times_ms < 1_000 * end))
        for begin, end in pairwise(begins)
    ]
    panels = [model.members for model in installs.values()]
    asked = [ask(panel, part) for panel, part in zip(panels, parts, strict=True)]
    fallback = [
        model.champion.p_up(part) for model, part in zip(installs.values(), parts, strict=True)
    ]
    p_up = averaged(asked, fallback)
    assert len(p_up) == len(rows) > 590
    for time_ms, expected in zip(rows.times_ms.tolist(), p_up.tolist(), strict=True):
        assert served(said[time_ms]) == pytest.approx(expected, abs=1e-12)
    weights = [each.weight for each in said[399_000].candidates.values()]
    assert max(weights) > 0.5 > 0.1 > min(weights)  # something was learnt


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_stream_that_is_trained_as_an_evaluation_is_serves_what_that_reports(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
    learner: str,
) -> None:
    market = make_market(600, certainty=0.7)
    settings = make_settings(learner, folds=4)
    every = labelled(market.table, market.prices, horizon_ms=HORIZON_MS, latency_ms=LATENCY_MS)
    expected = walk(every, settings)
    assert expected is not None
    serving: TrainedModel | None = None
    predictor = predictor_of("average", HORIZON_MS)
    folds = iter(walk_forward(every, 4, embargo=settings.training.embargo))
    fold = next(folds, None)
    said = {}
    for row in range(len(market.table)):
        if fold is not None and 1_000 * row >= fold.begin_ms:
            known = np.isin(market.table.close_time_ms, every.times_ms[fold.train])
            serving = train(
                market.table.rows(known), market.prices, HORIZON_MS, settings,
                trained_at_ms=row, latency_ms=LATENCY_MS, serving=serving,
            )  # fmt: skip
            assert serving is not None
            predictor.install({HORIZON_MS: serving})
            fold = next(folds, None)
        values = dict(zip(market.table.names, market.table.values[row].tolist(), strict=True))
        message = make_features(1_000 * row, float(market.prices.mid[row]), **values)
        for each in predictions(predictor.update(message)):
            said[each.close_time_ms] = served(each)
    told = [said[time_ms] for time_ms in expected.times_ms.tolist()]
    assert len(told) > 290
    np.testing.assert_allclose(told, expected.p_up["average"], rtol=0, atol=1e-9)


def test_restart_anywhere_changes_nothing_of_what_the_average_serves(
    models: dict[str, TrainedModel], messages: list[Features]
) -> None:
    installs = {0: models["1"], 200: models["2"], 400: models["3"]}
    unbroken = run(predictor_of("average", HORIZON_MS), messages, installs)
    restarts = (1, 3, 100, 199, 200, 201, 203, 400, 402, 555)
    assert run(predictor_of("average", HORIZON_MS), messages, installs, restarts) == unbroken


def test_snapshot_of_before_there_was_an_average_is_gone_on_from(
    models: dict[str, TrainedModel], messages: list[Features]
) -> None:
    before = predictor_of("champion", HORIZON_MS)
    before.install({HORIZON_MS: models["1"]})
    for message in messages[:100]:
        before.update(message)
    fields = msgspec.msgpack.decode(before.snapshot())
    assert len(fields) == 8
    after = predictor_of("average", HORIZON_MS)
    after.restore(msgspec.msgpack.encode(fields[:7]))
    after.install({HORIZON_MS: models["1"]})
    (said,) = predictions(after.update(messages[100]))
    assert {each.weight for each in said.candidates.values()} == {1 / 3}


def test_prediction_says_who_said_what_and_its_parts_add_up(
    models: dict[str, TrainedModel], messages: list[Features]
) -> None:
    said = run(predictor_of("average", HORIZON_MS), messages, {0: models["1"], 200: models["3"]})
    for prediction in said.values():
        assert (prediction.model_name, prediction.role) == ("average", "champion")
        told = prediction.candidates
        if told:
            assert sum(each.weight for each in told.values()) == pytest.approx(1)
            mean = sum(each.weight * each.p_up for each in told.values())
            assert served(prediction) == pytest.approx(mean)
        for name, each in told.items():
            direction = "up" if each.p_up > 0.5 else "down"
            assert prediction.answers.get(name) == (None if "earlier" in name else direction)
    first, last = said[1_000], said[500_000]
    assert [each.model for each in first.candidates.values()] == [
        "imbalance_sign:1", "imbalance_calibrated:1", "lightgbm:1",
    ]  # fmt: skip
    assert {name: each.model for name, each in last.candidates.items()} == {
        "imbalance_sign": "imbalance_sign:3",
        "imbalance_calibrated": "imbalance_calibrated:3",
        "lightgbm": "lightgbm:3",
        "lightgbm_earlier_1": "lightgbm:2",
        "lightgbm_earlier_2": "lightgbm:1",
    }
    assert first.model_version == "1"
    # What the learner reads was not known: it sleeps, and the others share.
    assert list(said[17_000].candidates) == ["imbalance_sign", "imbalance_calibrated"]
    assert said[17_000].direction != "abstain"


def test_where_nobody_knows_enough_it_abstains_and_names_what_lacks(
    models: dict[str, TrainedModel], messages: list[Features]
) -> None:
    said = run(predictor_of("average", HORIZON_MS), messages[:60], {0: models["1"]})
    assert said[51_000].candidates == {}  # of every column that is read, something lacks
    assert said[51_000].direction == "abstain"
    assert said[51_000].reason == "not known yet: imbalance"


@pytest.mark.parametrize(("version", "champion"), [("1", "imbalance_sign"), ("2", "lightgbm")])
def test_champion_that_serves_alone_has_all_the_weight_and_the_others_answer_beside(
    models: dict[str, TrainedModel], messages: list[Features], version: str, champion: str
) -> None:
    said = run(predictor_of("champion", HORIZON_MS), messages[:50], {0: models[version]})
    for prediction in said.values():
        assert prediction.model_name == champion
        weights = {name: each.weight for name, each in prediction.candidates.items()}
        if champion in weights:
            assert weights.pop(champion) == 1
            assert served(prediction) == pytest.approx(prediction.candidates[champion].p_up)
        assert not any(weights.values())
        assert ("lightgbm" in prediction.answers) == (champion != "lightgbm")
        assert "imbalance_sign" in prediction.answers


def test_each_outcome_counts_once_and_only_where_the_price_moved(
    models: dict[str, TrainedModel], messages: list[Features]
) -> None:
    predictor = predictor_of("average", HORIZON_MS)
    predictor.install({HORIZON_MS: models["1"]})
    average = predictor._averages[HORIZON_MS]
    for message in messages[:200]:
        before = average.until_ms
        following = predictor.update(message)
        came = [each for each in following if isinstance(each, Outcome) and each.realised_return]
        assert (average.until_ms != before) == bool(came)
        again = average.until_ms
        assert predictor.update(message) == []
        assert average.until_ms == again


def test_learners_stay_for_two_trainings_and_no_longer(
    make_market: Callable[..., Any], make_settings: Callable[..., PredictorSettings]
) -> None:
    market, settings = make_market(600), make_settings("logistic")
    serving = None
    found = []
    for number in range(1, 5):
        model = train(
            market.table, market.prices, 1_000, settings, trained_at_ms=number, serving=serving
        )
        assert model is not None
        found.append({each.name: each.model for each in model.members})
        serving = model
    assert len(found[0]) == 4
    assert found[0]["logistic"] == "logistic:1"
    assert found[1]["logistic_earlier_1"] == "logistic:1"
    assert [len(each) for each in found] == [4, 5, 6, 6]
    assert (found[3]["logistic_earlier_1"], found[3]["logistic_earlier_2"]) == (
        "logistic:3", "logistic:2",
    )  # fmt: skip
    without = replace(
        market.table, names=tuple(n if n != "noise_1" else "other" for n in market.table.names)
    )
    columns = tuple(name for name in without.names if name != "other")
    model = train(
        without, market.prices, 1_000, make_settings("logistic", columns=columns),
        trained_at_ms=9, serving=serving,
    )  # fmt: skip
    assert model is not None
    assert model.earlier == ()  # of features that are no longer there


def test_of_a_market_learnt_without_quotes_the_imbalance_is_heard_as_soon_as_there_are_some(
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
    make_features: MakeFeatures,
) -> None:
    market = make_market(600)
    values = market.table.values.copy()
    values[:, market.table.names.index("imbalance")] = np.nan
    model = train(
        replace(market.table, values=values), market.prices, HORIZON_MS, make_settings(),
        trained_at_ms=1,
    )  # fmt: skip
    assert model is not None
    assert "imbalance_calibrated" not in model.validation
    predictor = predictor_of("average", HORIZON_MS)
    predictor.install({HORIZON_MS: model})
    known = dict.fromkeys(market.table.names, 0.5)

    def heard(second: int, imbalance: float | None) -> dict[str, Any]:
        values = {**known, "imbalance": imbalance}
        (said,) = predictions(predictor.update(make_features(second * 1_000, 100.0, **values)))
        return said.candidates

    assert "imbalance_calibrated" not in heard(1, None)
    up, down = (heard(second, side)["imbalance_calibrated"] for second, side in ((2, 0.8), (3, -1)))
    assert up.p_up == pytest.approx(1 / (1 + np.exp(-0.8 * 1.5 / np.sqrt(3))))
    assert down.p_up < 0.5 < up.p_up
    assert up.weight > 0
