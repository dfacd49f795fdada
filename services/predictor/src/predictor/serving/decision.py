"""From probabilities to a direction, or the reason for none, and from what came to a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from marketstream.messages import Answer, Direction, Features, Verdict
from predictor.serving.forecast import Forecast
from predictor.serving.rows import Rows
from predictor.training.fitting import TrainedModel


def decide(
    said: Forecast,
    features: Features,
    rows: Rows,
    model: TrainedModel,
    *,
    known: bool,
    unchanged: int,
    within: bool = False,
) -> tuple[Direction, str | None]:
    """Return the direction served, or to abstain and why.

    `known` is whether whoever serves knew its features, `unchanged` counts closes that brought
    nothing new, `within` says that the row is known to be novel to no guard.
    """
    if not known:
        missing = [n for n in model.champion.columns if features.values.get(n) is None]
        return "abstain", f"not known yet: {', '.join(missing)}"
    lean, p_moves = said.p_up - said.p_down, said.p_up + said.p_down
    confidence = abs(lean) / p_moves if p_moves > 0 else 0.0
    guard = model.guard
    row = None if within else rows.of(guard.columns).values
    reason = guard.reason(features, row, confidence, unchanged)
    if reason is not None:
        return "abstain", reason
    if lean == 0:
        return "abstain", "up and down are equally likely"
    return ("up" if lean > 0 else "down"), None


_OPPOSITES: Mapping[Answer, Answer] = {"up": "down", "down": "up", "none": "none"}


def opposite(said: Answer) -> Answer:
    """Return the other direction."""
    return _OPPOSITES[said]


def verdict(said: Direction | Answer, came: Answer) -> Verdict:
    """Return what is to be said of an answer by what came."""
    if said in ("abstain", "none"):
        return "abstained"
    if came == "none":
        return "flat"
    return "right" if said == came else "wrong"


VERDICTS: Mapping[Answer, Mapping[Direction | Answer, Verdict]] = {
    came: {said: verdict(said, came) for said in ("up", "down", "none", "abstain")}
    for came in ("up", "down", "none")
}
"""The verdict on each answer, by what came."""
