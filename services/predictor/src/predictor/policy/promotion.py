"""Whether a newly trained model takes the champion's place."""

from __future__ import annotations

from typing import NamedTuple

from predictor.policy.duel import Duel, needed
from predictor.validation.figures import Evaluation


class Promotion(NamedTuple):
    """The decision, and why."""

    promoted: bool
    reason: str


def should_promote(
    challenger: Evaluation,
    champion: Evaluation | None,
    met: Duel,
    *,
    number: int = 1,
    tried: int = 1,
) -> Promotion:
    """Promote a first model, or one that is proven to be right more often than the champion.

    `met` is how the two did on rows that neither was fitted to. The challenger is the champion's of
    a `number`, and the best of those `tried`. Where they were judged by different prices they
    cannot be compared, and a model with skill goes first.
    """
    if champion is None or champion.score is None:
        return Promotion(promoted=True, reason="there is no champion that was evaluated")
    if challenger.score is None or challenger.verdict == "too little data":
        return Promotion(promoted=False, reason="too little data to say how good it is")
    if _judged_by(challenger) != _judged_by(champion):
        reason = f"the champion was judged otherwise ({_said(champion)}); {challenger.verdict}"
        return Promotion(promoted=challenger.verdict == "skill", reason=reason)
    if not met.rows:
        return Promotion(promoted=False, reason="no row moved that neither was fitted to")
    enough = needed(number, tried)
    reason = (
        f"{100 * met.ahead:+.2f} points against the champion on {met.rows:,} rows; evidence of "
        f"10^{met.log10_e:.1f}, and 10^{enough:.1f} is proof"
    )
    return Promotion(promoted=met.log10_e >= enough, reason=reason)


def _judged_by(evaluation: Evaluation) -> tuple[str, int, int]:
    return evaluation.label, evaluation.horizon_ms, evaluation.latency_ms


def _said(evaluation: Evaluation) -> str:
    return f"label {evaluation.label}, {evaluation.latency_ms} ms late"
