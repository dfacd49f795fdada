"""Models as JSON: every kind comes back as it was, and nothing damaged does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketstream.columns import Floats
from marketstream.errors import InputError
from predictor.models import LEARNERS, Fit, fit_imbalance_sign
from predictor.models.logistic import Logistic
from predictor.registry import native
from predictor.serving.abstention import Guard
from predictor.training.calibration import Calibrated
from predictor.training.candidates import Candidate, Earlier
from predictor.training.fitting import TrainedModel

KINDS: dict[str, Fit] = {
    **LEARNERS,
    "imbalance_sign": fit_imbalance_sign,
    "calibrated": lambda rows, up, given: Calibrated(LEARNERS["xgboost"](rows, up, given), 0.7),
}


@pytest.fixture(params=KINDS)
def model(
    request: pytest.FixtureRequest, make_model: Callable[..., TrainedModel], noise: Floats
) -> TrainedModel:
    """A model whose champion is of one kind."""
    up = KINDS[request.param](noise, noise[:, 0] > 0, {})
    champion = Candidate(request.param, tuple("abcdef"), up)
    guard = Guard(0.1, ("a", "b"), (0.1, -np.inf), (0.2, np.inf), complete_only=True)
    beside = Candidate("beside", ("a",), Logistic((0.1,), (0.2,), (0.3,), 0.4))
    return replace(
        make_model(),
        champion=champion,
        validation={request.param: 0.1 + 0.2},
        guard=guard,
        challengers=(beside,),
        earlier=(Earlier("6", beside),),
    )


def test_every_kind_predicts_the_same_after_the_round_trip(
    model: TrainedModel, noise: Floats
) -> None:
    again = native.load(native.dump(model))
    asked = np.vstack([noise, 1e9 * noise, np.where(noise > 1, np.nan, noise)])
    np.testing.assert_array_equal(
        again.champion.up.probability(asked), model.champion.up.probability(asked)
    )
    row = asked[-1].tolist()
    assert again.champion.up.probability_of(row) == model.champion.up.probability_of(row)


def test_everything_beside_the_champion_comes_back_too(model: TrainedModel) -> None:
    again = native.load(native.dump(model))
    assert replace(again, champion=model.champion) == model
    assert again.champion.columns == model.champion.columns


@given(
    st.lists(st.tuples(*[st.floats()] * 3), min_size=1, max_size=4),
    st.floats(),
    st.floats(allow_nan=False),
)
def test_every_number_comes_back_bit_for_bit(
    make_model: Callable[..., TrainedModel],
    parts: list[tuple[float, float, float]],
    intercept: float,
    low: float,
) -> None:
    mean, scale, weights = zip(*parts, strict=True)
    moves = Logistic(mean, scale, weights, intercept)
    again = native.load(native.dump(replace(make_model(), moves=moves, low=low)))
    assert repr(again.moves) == repr(moves)  # NaN is not equal to itself
    assert again.low == low


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-100], "cannot be read"),
        (lambda data: b"", "cannot be read"),
        (lambda data: b"\xff\xfe", "cannot be read"),
        (lambda data: b"[]", "cannot be read"),
        (lambda data: data.replace(b'"format": 2', b'"format": null'), "has format None"),
        (lambda data: b'{"format": 2}', "'model'"),
        (lambda data: data.replace(b'"format": 2', b'"format": 3'), "has format 3.*reads 1 and 2"),
        (lambda data: data.replace(b'"rows": 100', b'"rows": 101'), "damaged"),
        (lambda data: data.replace(b"hit_rate", b"git_rate"), "damaged"),
    ],
    ids=["cut", "empty", "no text", "no object", "no model", "newer", "no format", "number", "key"],
)
def test_what_is_no_model_of_ours_is_refused_with_the_reason(
    make_model: Callable[..., TrainedModel], damage: Callable[[bytes], bytes], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        native.load(damage(native.dump(make_model())))


def test_damaged_trees_never_reach_lightgbm_which_would_end_the_process(
    make_model: Callable[..., TrainedModel], noise: Floats
) -> None:
    up = LEARNERS["lightgbm"](noise, noise[:, 0] > 0, {})
    data = native.dump(replace(make_model(), champion=Candidate("trees", tuple("abcdef"), up)))
    written = json.loads(data)
    booster = written["model"]["champion"]["up"]["booster"]
    written["model"]["champion"]["up"]["booster"] = booster[:1_000]
    with pytest.raises(InputError, match="damaged"):
        native.load(json.dumps(written).encode())


def test_model_with_a_field_this_program_does_not_know_is_refused(
    make_model: Callable[..., TrainedModel],
) -> None:
    written = json.loads(native.dump(make_model()))
    written["model"]["invented"] = 1
    written["sha256"] = native._digest(written["model"])
    with pytest.raises(InputError, match="invented"):
        native.load(json.dumps(written).encode())


def test_model_written_before_there_were_guards_and_challengers_answers_everything_alone(
    make_model: Callable[..., TrainedModel],
) -> None:
    written = json.loads(native.dump(make_model()))
    written["format"] = 1
    for name in ("guard", "challengers", "earlier", "expected_loss"):
        del written["model"][name]
    written["sha256"] = native._digest(written["model"])
    model = native.load(json.dumps(written).encode())
    assert (model.guard, model.challengers, model.earlier) == (Guard(), (), ())
    assert model.expected_loss is None


def test_a_release_before_the_expected_loss_says_of_a_model_what_its_format_is(
    make_model: Callable[..., TrainedModel],
) -> None:
    written = json.loads(native.dump(replace(make_model(), expected_loss=0.2)))
    assert written["format"] != 1, "that is all an earlier release reads"
    assert native.load(json.dumps(written).encode()).expected_loss == 0.2


@pytest.mark.parametrize("loss", [None, 0.2])
def test_a_model_of_the_first_format_is_read_with_and_without_an_expected_loss(
    make_model: Callable[..., TrainedModel], loss: float | None
) -> None:
    written = json.loads(native.dump(replace(make_model(), expected_loss=loss)))
    written["format"] = 1
    assert native.load(json.dumps(written).encode()).expected_loss == loss


def test_kind_without_a_native_form_is_named(make_model: Callable[..., TrainedModel]) -> None:
    class Stranger:
        def probability(self, rows: Floats) -> Floats:
            return rows[:, 0]

        def probability_of(self, row: object) -> float:
            return 0.5

    with pytest.raises(TypeError, match="Stranger has no native form"):
        native.dump(replace(make_model(), moves=Stranger()))
