"""How good the predictions are that the API has seen."""

from __future__ import annotations

from collections.abc import Iterable

from marketstream.messages import Outcome, Prediction
from marketstream.metrics import Metrics
from marketstream.scoring import Score, Scoreboard

_SCORED = 10_000  # outcomes a horizon: what was good last week says little of now


class Scores:
    """Scores the newest outcomes of each market by horizon; what was late is no part of it."""

    def __init__(self, markets: Iterable[str]) -> None:
        self._scoreboards = {market: Scoreboard(_SCORED) for market in markets}

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        if not prediction.late:
            self._scoreboards[prediction.market].predicted(prediction)

    def happened(self, outcome: Outcome) -> None:
        """Score what came of a prediction."""
        if not outcome.late:
            self._scoreboards[outcome.market].happened(outcome)

    def score(self, market: str, horizon_ms: int) -> Score:
        """Return how good predictions of a horizon have been."""
        return self._scoreboards[market].score(horizon_ms)


def show_score(metrics: Metrics, market: str, horizon_ms: int, score: Score) -> None:
    """Bring the gauges of a horizon up to date; what is not known yet is left out."""
    if score.accuracy is not None:
        metrics.accuracy.labels(market, horizon_ms).set(score.accuracy)
    for bound, value in (("low", score.low), ("high", score.high)):
        if value is not None:
            metrics.accuracy_bound.labels(market, horizon_ms, bound).set(value)
    for name, share in score.baselines.items():
        metrics.baseline_accuracy.labels(market, horizon_ms, name).set(share)
