"""A champion is replaced by what is proven better, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest

from marketstream.errors import InputError
from marketstream.evidence import Streams
from marketstream.uncertainty import wilson
from predictor.policy.duel import NO_DUEL, Duel, duel, needed
from predictor.policy.promotion import should_promote
from predictor.training.prices import Label
from predictor.validation.answers import Answers
from predictor.validation.figures import Evaluation, Share


@dataclass(frozen=True)
class _Judged:
    accuracy: float
    effective: float = 1_000.0
    label: Label = "mid"
    latency_ms: int = 0

    def evaluation(self) -> Evaluation:
        low, high = wilson(self.accuracy, self.effective)
        return Evaluation(
            model="logistic",
            label=self.label,
            horizon_ms=1_000,
            latency_ms=self.latency_ms,
            trials=1,
            rows=2_000,
            incomplete=0,
            unlabelled=0,
            seconds=1.0,
            verdict="skill" if low > 0.5 else "no skill",
            score=Share(1_000, self.effective, self.accuracy, low, high),
        )


def met(points: float, log10_e: float, rows: int = 1_000) -> Duel:
    return Duel(rows, points / 100, log10_e)


def test_first_model_is_promoted_whatever_it_is() -> None:
    assert should_promote(_Judged(0.4).evaluation(), None, NO_DUEL).promoted


@pytest.mark.parametrize(
    ("evidence", "number", "tried", "promoted"),
    [(2.61, 1, 1, True), (2.60, 1, 1, False), (2.61, 2, 1, False), (3.1, 2, 1, True),
     (2.7, 1, 2, False), (2.91, 1, 2, True)],
)  # fmt: skip
def test_champion_gives_way_to_what_is_proven_better_however_many_tried(
    evidence: float, number: int, tried: int, *, promoted: bool
) -> None:
    verdict = should_promote(
        _Judged(0.6).evaluation(), _Judged(0.58).evaluation(), met(2.0, evidence),
        number=number, tried=tried,
    )  # fmt: skip
    assert verdict.promoted == promoted
    assert verdict.reason.startswith("+2.00 points against the champion on 1,000 rows; evidence of")
    assert verdict.reason.endswith(f"and 10^{needed(number, tried):.1f} is proof")


def test_figures_of_other_rows_promote_nothing() -> None:
    verdict = should_promote(_Judged(0.9).evaluation(), _Judged(0.6).evaluation(), NO_DUEL)
    assert verdict == (False, "no row moved that neither was fitted to")


def test_too_little_data_promotes_nothing() -> None:
    few = msgspec.structs.replace(_Judged(0.9).evaluation(), verdict="too little data")
    assert not should_promote(few, _Judged(0.6).evaluation(), met(30.0, 9.0)).promoted
    nothing = msgspec.structs.replace(few, score=None)
    assert not should_promote(nothing, _Judged(0.6).evaluation(), met(30.0, 9.0)).promoted


def test_what_was_judged_by_another_price_is_replaced_by_skill_alone() -> None:
    champion = _Judged(0.9, label="close").evaluation()
    better = should_promote(_Judged(0.6).evaluation(), champion, NO_DUEL)
    assert better.promoted
    assert "label close" in better.reason
    assert not should_promote(_Judged(0.5).evaluation(), champion, NO_DUEL).promoted
    assert should_promote(_Judged(0.6, latency_ms=100).evaluation(), champion, NO_DUEL).promoted


EACH_SECOND = Streams.foreseen(1_000, 1_000)


def test_a_duel_is_won_by_the_quadratic_score_and_told_in_points() -> None:
    up = np.array([True, False] * 200)
    times_ms = 1_000 * np.arange(400)
    sure, coin = np.where(up, 0.7, 0.3), np.full(400, 0.5)
    won = duel(sure, coin, up, times_ms, EACH_SECOND)
    assert (won.rows, won.ahead) == (400, 0.5)
    assert won.log10_e > needed(1)
    bet = 0.5 ** np.arange(1, 9)
    by_hand = ((1 + bet * (0.25 - 0.09)) ** 400 * (1 - bet)).mean()
    assert won.log10_e == pytest.approx(np.log10(by_hand))
    # As often right and surer than it may be: the quadratic score is worse, the accuracy the same.
    half = np.where(np.arange(400) % 4 < 2, up, ~up)
    boaster, modest = np.where(half, 0.95, 0.05), np.where(half, 0.55, 0.45)
    assert duel(boaster, modest, up, times_ms, EACH_SECOND).ahead == 0
    assert duel(modest, boaster, up, times_ms, EACH_SECOND).log10_e > needed(1)
    assert duel(boaster, modest, up, times_ms, EACH_SECOND).log10_e < 0


def test_nothing_in_common_is_no_evidence() -> None:
    empty = np.empty(0)
    assert duel(empty, empty, empty > 0, empty.astype(np.int64), EACH_SECOND) == NO_DUEL


def test_answers_come_back_and_are_found_by_their_time() -> None:
    kept = Answers(np.array([1_000, 3_000]), np.array([0.25, 0.75]))
    read = Answers.load(kept.dump())
    assert read.at(np.array([0, 1_000, 2_000, 3_000, 4_000])).tolist() == pytest.approx(
        [np.nan, 0.25, np.nan, 0.75, np.nan], nan_ok=True
    )
    with pytest.raises(InputError, match="answers cannot be read"):
        Answers.load(b"no such file")
