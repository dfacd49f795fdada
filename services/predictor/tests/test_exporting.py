"""An exported candidate answers as the model does, correction and calibration among it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from marketstream.columns import Floats
from marketstream.errors import InputError
from predictor.arena.onnx_file import OnnxModel
from predictor.exporting.graph import onnx_of
from predictor.models import LEARNERS
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
