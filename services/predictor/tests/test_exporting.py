"""An exported candidate answers as the model does, correction and calibration among it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pytest

from marketstream.columns import Floats
from marketstream.errors import InputError
from predictor.arena.onnx_file import OnnxModel
from predictor.exporting.graph import onnx_of
from predictor.models import LEARNERS
from predictor.models.lightgbm import Trees
from predictor.models.parts.imbalance import ImbalanceSign
from predictor.settings import PredictorSettings
from predictor.training.candidates import Candidate
from predictor.training.correction import Corrected
from predictor.training.fitting import TrainedModel, train_horizons


@pytest.fixture(scope="module", params=sorted(LEARNERS))
def trained(
    request: pytest.FixtureRequest,
    make_market: Callable[..., Any],
    make_settings: Callable[..., PredictorSettings],
) -> TrainedModel:
    market = make_market(1_500, certainty=0.7)
    (model,) = train_horizons(
        market.table, market.prices, (1_000,), make_settings(request.param), trained_at_ms=0
    ).values()
    return model


@pytest.fixture(scope="module")
def rows() -> Floats:
    return np.random.default_rng(3).normal(size=(2_000, 30)) * 2


def run(written: bytes, rows: Floats) -> Floats:
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"row": rows})
    return np.asarray(found, np.float64)


def test_every_candidate_of_every_learner_answers_the_same(
    trained: TrainedModel, rows: Floats
) -> None:
    for member in trained.members:
        asked = rows[:, : len(member.candidate.columns)]
        down, up = run(onnx_of(member.candidate, {}), asked).T
        np.testing.assert_allclose(up, member.candidate.up.probability(asked), rtol=0, atol=1e-5)
        np.testing.assert_allclose(down, 1 - up, rtol=0, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_correction_counts_by_its_share(
    share: float, trained: TrainedModel, rows: Floats
) -> None:
    (learner,) = [m.candidate for m in trained.members if isinstance(m.candidate.up, Corrected)]
    assert isinstance(learner.up, Corrected)
    candidate = replace(learner, up=replace(learner.up, share=share))
    asked = rows[:, : len(candidate.columns)]
    up = run(onnx_of(candidate, {}), asked)[:, 1]
    np.testing.assert_allclose(up, candidate.up.probability(asked), rtol=0, atol=1e-5)


def test_what_is_exported_can_take_part_in_an_arena(
    trained: TrainedModel, rows: Floats, tmp_path: Path
) -> None:
    candidate = trained.champion
    file = tmp_path / "champion.onnx"
    file.write_bytes(onnx_of(candidate, {"version": "7"}))
    model = OnnxModel("mine", file, None)
    assert model.features == candidate.columns
    row = rows[0, : len(candidate.columns)].tolist()
    said = model.probabilities(row, 1_000)
    assert said is not None
    assert said[2] / (said[0] + said[2]) == pytest.approx(
        candidate.up.probability_of(row), abs=1e-5
    )


def with_holes(rows: Floats) -> Floats:
    """Return rows of which every third value is unknown, some whole, and some 0 or infinite."""
    random = np.random.default_rng(4)
    holed = np.where(random.random(rows.shape) < 1 / 3, np.nan, rows)
    holed[:50] = np.nan
    holed[50:100] = 0.0
    holed[100:150, ::2] = np.inf
    holed[150:200, ::2] = -np.inf
    return holed


def test_what_is_unknown_counts_as_it_does_in_the_model(
    trained: TrainedModel, rows: Floats
) -> None:
    for member in trained.members:
        asked = with_holes(rows[:, : len(member.candidate.columns)])
        _, up = run(onnx_of(member.candidate, {}), asked).T
        expected = member.candidate.up.probability(asked)
        np.testing.assert_allclose(up, expected, rtol=0, atol=1e-5, err_msg=member.name)


def boosted(rows: Floats, **chosen: Any) -> Trees:
    up = (rows[:, 0] + np.sin(rows[:, 1]) > np.nan_to_num(rows[:, 2])).astype(float)
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, **chosen}
    linear = {"linear_tree": True} if chosen.get("linear_tree") else {}
    data = lightgbm.Dataset(rows, label=up, params={"verbosity": -1, **linear})
    return Trees(lightgbm.train(parameters, data, num_boost_round=20).model_to_string())


FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8}


@pytest.mark.parametrize("chosen", [{}, FOREST, {"sigmoid": 0.7}, {"use_missing": False}])
@pytest.mark.parametrize("holes", [False, True])
def test_trees_of_lightgbm_answer_the_same_whatever_was_missing_when_they_were_fitted(
    chosen: dict[str, Any], holes: bool, rows: Floats
) -> None:
    model = boosted(with_holes(rows[:, :6]) if holes else rows[:, :6], **chosen)
    written = onnx_of(Candidate("trees", tuple("abcdef"), model), {})
    for asked in (rows[:, :6], with_holes(rows[:, :6])):
        up = run(written, asked)[:, 1]
        np.testing.assert_allclose(up, model.probability(asked), rtol=0, atol=1e-6)
        assert np.ptp(up) > 0.1


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"linear_tree": True}, "linear leaves"),
        ({"zero_as_missing": True}, "take 0 for missing"),
        ({"objective": "regression"}, "the objective regression"),
        ({"objective": "none"}, "the objective none"),
        ({"min_data_per_group": 10}, "split categories"),
    ],
)
def test_trees_that_have_no_form_are_refused_in_words(
    chosen: dict[str, Any], told: str, rows: Floats
) -> None:
    fitted = rows[:, :6].copy()
    fitted[:, 3] = np.arange(len(rows)) % 7
    fitted[::5, 4] = 0.0
    up = (fitted[:, 0] + (fitted[:, 3] % 2) + (fitted[:, 4] == 0) > 0.5).astype(float)
    categories = [3] if "categories" in told else "auto"
    data = lightgbm.Dataset(
        fitted, label=up, categorical_feature=categories, params={"verbosity": -1, **chosen}
    )
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, **chosen}
    if chosen.get("objective") == "none":
        text = lightgbm.train({**parameters, "objective": "binary"}, data, 5).model_to_string()
        text = "\n".join(each for each in text.splitlines() if not each.startswith("objective="))
    else:
        text = lightgbm.train(parameters, data, 5).model_to_string()
    with pytest.raises(InputError, match=told):
        onnx_of(Candidate("trees", tuple("abcdef"), Trees(text)), {})


@dataclass(frozen=True)
class Other:
    """A classifier of a kind that nobody knows."""

    def probability(self, rows: Floats) -> Floats:
        return np.full(len(rows), 0.5)

    def probability_of(self, row: object) -> float:
        return 0.5


def test_a_kind_without_a_graph_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="a Other has no ONNX form"):
        onnx_of(Candidate("other", ("imbalance",), Other()), {})
    assert onnx_of(Candidate("imbalance_sign", ("imbalance",), ImbalanceSign(0.6)), {})
