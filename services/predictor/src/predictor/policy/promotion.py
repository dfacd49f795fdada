"""Whether a newly trained model takes the champion's place."""

from __future__ import annotations

from math import hypot
from typing import NamedTuple

from predictor.validation.figures import Evaluation


class Promotion(NamedTuple):
    """The decision, and why."""

    promoted: bool
    reason: str


def should_promote(challenger: Evaluation, champion: Evaluation | None) -> Promotion:
    """Promote a first model, or one that beats the champion beyond chance.

    The two may have been judged on different rows, so their errors are taken as independent
    (Newcombe 1998, method 10): on the same rows that asks for more than it has to. Where they were
    judged by different prices they cannot be compared, and a model with skill goes first.
    """
    if champion is None or champion.score is None:
        return Promotion(promoted=True, reason="there is no champion that was evaluated")
    score, other = challenger.score, champion.score
    if score is None or challenger.verdict == "too little data":
        return Promotion(promoted=False, reason="too little data to say how good it is")
    if _judged_by(challenger) != _judged_by(champion):
        reason = f"the champion was judged otherwise ({_said(champion)}); {challenger.verdict}"
        return Promotion(promoted=challenger.verdict == "skill", reason=reason)
    if score.accuracy is None or score.low is None or other.accuracy is None or other.high is None:
        return Promotion(promoted=False, reason="nothing moved where it was judged")
    ahead = score.accuracy - other.accuracy
    margin = hypot(score.accuracy - score.low, other.high - other.accuracy)
    reason = f"{100 * ahead:+.2f} points against the champion, {100 * margin:.2f} are beyond chance"
    return Promotion(promoted=ahead > margin, reason=reason)


def _judged_by(evaluation: Evaluation) -> tuple[str, int, int]:
    return evaluation.label, evaluation.horizon_ms, evaluation.latency_ms


def _said(evaluation: Evaluation) -> str:
    return f"label {evaluation.label}, {evaluation.latency_ms} ms late"
