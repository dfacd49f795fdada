"""A champion is replaced by what is better beyond chance, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from marketstream.uncertainty import wilson
from predictor.policy.promotion import should_promote
from predictor.training.prices import Label
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


def test_first_model_is_promoted_whatever_it_is() -> None:
    assert should_promote(_Judged(0.4).evaluation(), None).promoted


@pytest.mark.parametrize(
    ("accuracy", "effective", "promoted"),
    [(0.66, 1_000, True), (0.64, 1_000, False), (0.64, 10_000, True), (0.6, 1_000, False),
     (0.5, 10_000, False)],
)  # fmt: skip
def test_champion_gives_way_to_what_is_better_beyond_chance(
    accuracy: float, effective: float, *, promoted: bool
) -> None:
    champion = _Judged(0.6, effective).evaluation()
    verdict = should_promote(_Judged(accuracy, effective).evaluation(), champion)
    assert verdict.promoted == promoted
    assert f"{100 * (accuracy - 0.6):+.2f} points" in verdict.reason


def test_chance_counts_with_the_champion_too() -> None:
    champion = _Judged(0.6, effective=50).evaluation()
    assert not should_promote(_Judged(0.7, effective=100_000).evaluation(), champion).promoted


def test_too_little_data_promotes_nothing() -> None:
    few = msgspec.structs.replace(_Judged(0.9).evaluation(), verdict="too little data")
    assert not should_promote(few, _Judged(0.6).evaluation()).promoted
    nothing = msgspec.structs.replace(few, score=None)
    assert not should_promote(nothing, _Judged(0.6).evaluation()).promoted


def test_what_was_judged_by_another_price_is_replaced_by_skill_alone() -> None:
    champion = _Judged(0.9, label="close").evaluation()
    better = should_promote(_Judged(0.6).evaluation(), champion)
    assert better.promoted
    assert "label close" in better.reason
    assert not should_promote(_Judged(0.5).evaluation(), champion).promoted
    assert should_promote(_Judged(0.6, latency_ms=100).evaluation(), champion).promoted


def test_perfect_accuracy_on_few_rows_is_not_certain() -> None:
    champion = _Judged(0.6, 1_000).evaluation()
    assert not should_promote(_Judged(1.0, effective=3).evaluation(), champion).promoted
