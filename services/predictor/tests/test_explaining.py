"""What features add sums to what was said, for every learner, and is exact where it can be."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from marketstream.columns import Floats
from predictor.explaining import take_apart
from predictor.models import LEARNERS, Classifier, fit_imbalance_sign
from predictor.models.parts.calibrated_imbalance import CalibratedImbalance
from predictor.training.calibration import Calibrated, log_odds_of
from predictor.training.candidates import Candidate
from predictor.training.correction import Corrected

NAMES = ("imbalance", "flow", "noise")
UNTOLD = {"random_forest", "gradient_boosting"}


@pytest.fixture(scope="module")
def rows() -> Floats:
    return np.random.default_rng(3).normal(size=(400, 3))


def fitted(learner: str, rows: Floats) -> Classifier:
    up = rows[:, 0] + 0.5 * rows[:, 1] + 0.3 * np.sin(17 * rows[:, 2]) > 0
    return LEARNERS[learner](rows, up, {})


def values_of(row: Floats) -> dict[str, float | None]:
    return dict(zip(NAMES, row.tolist(), strict=True))


@pytest.mark.parametrize("learner", sorted(set(LEARNERS) - UNTOLD))
def test_base_and_features_sum_to_the_log_odds_and_the_base_is_the_same_for_all_rows(
    learner: str, rows: Floats
) -> None:
    candidate = Candidate(learner, NAMES, fitted(learner, rows))
    taken = [take_apart(candidate, values_of(row)) for row in rows[:50]]
    for row, one in zip(rows[:50], taken, strict=True):
        assert one.features is not None
        assert one.log_odds == log_odds_of(candidate.up.probability_of(row.tolist()))
        assert one.base + sum(one.features.values()) == pytest.approx(one.log_odds, abs=1e-12)
        assert abs(one.features["imbalance"]) > 0
    exact = 1e-5 if learner == "xgboost" else 1e-9
    assert np.ptp([one.base for one in taken]) < exact


def test_trees_say_what_their_own_library_does(rows: Floats) -> None:
    import lightgbm

    model = fitted("lightgbm", rows)
    own = lightgbm.Booster(model_str=model.text)  # type: ignore[attr-defined]
    expected = own.predict(rows[:20], pred_contrib=True)
    for row, columns in zip(rows[:20], np.asarray(expected), strict=True):
        one = take_apart(Candidate("lightgbm", NAMES, model), values_of(row))
        assert one.features is not None
        assert list(one.features.values()) == columns[:-1].tolist()
        assert one.base == pytest.approx(columns[-1], abs=1e-9)


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_corrected_reference_adds_its_own_term_and_the_share_of_the_others(
    rows: Floats, share: float, *, stacked: bool
) -> None:
    reference = CalibratedImbalance(1.5, -0.5)
    up = Corrected(reference, (0,), fitted("lightgbm", rows), 3, share, stacked)
    candidate = Candidate("lightgbm", NAMES, Calibrated(up, 0.8))
    taken = [take_apart(candidate, values_of(row)) for row in rows[:30]]
    alone = [take_apart(Candidate("l", NAMES, up.correction), values_of(row)) for row in rows[:30]]
    for row, one, other in zip(rows[:30], taken, alone, strict=True):
        assert one.features is not None
        assert other.features is not None
        assert one.features["flow"] == pytest.approx(0.8 * share * other.features["flow"])
        own = reference.probability_of([row[0]])
        kept = (1 - share if stacked else 1) * log(own / (1 - own))
        expected = 0.8 * (kept + share * other.features["imbalance"])
        assert one.features["imbalance"] == pytest.approx(expected)
    assert np.ptp([one.base for one in taken]) < 1e-9


def test_the_sign_of_the_book_is_one_term_and_unknown_features_add_nothing_to_it(
    rows: Floats,
) -> None:
    up = rows[:, 0] > 0
    sign = Candidate("imbalance_sign", NAMES[:1], fit_imbalance_sign(rows[:, :1], up, {}))
    one = take_apart(sign, {"imbalance": 0.3})
    assert one.features == {"imbalance": pytest.approx(one.log_odds)}
    unknown = take_apart(sign, {"imbalance": None})
    assert (unknown.base, unknown.features) == (0.0, {"imbalance": 0.0})


@pytest.mark.parametrize("learner", sorted(UNTOLD))
def test_what_cannot_be_taken_apart_says_so(learner: str, rows: Floats) -> None:
    one = take_apart(Candidate(learner, NAMES, fitted(learner, rows)), values_of(rows[0]))
    assert one.features is None
    assert one.base == one.log_odds
