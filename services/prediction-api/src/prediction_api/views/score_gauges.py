"""The gauges that tell how good predictions are."""

from __future__ import annotations

from marketstream.evidence import COIN, Proof
from marketstream.metrics import Metrics
from marketstream.scoring import BASELINES, Score


def show_score(metrics: Metrics, market: str, horizon_ms: int, score: Score) -> None:
    """Bring the gauges of a horizon up to date; what is not known yet is left out."""
    if score.accuracy is not None:
        metrics.accuracy.labels(market, horizon_ms).set(score.accuracy)
    for bound, value in (("low", score.low), ("high", score.high)):
        if value is not None:
            metrics.accuracy_bound.labels(market, horizon_ms, bound).set(value)
    for name, share in score.baselines.items():
        metrics.baseline_accuracy.labels(market, horizon_ms, name).set(share)


def show_proof(metrics: Metrics, market: str, horizon_ms: int, proof: Proof) -> None:
    """Bring the gauges of what is proven up to date: how sure it is that a baseline is better."""
    for name in (COIN, *BASELINES):
        if name in proof.rivals:
            evidence = metrics.baseline_evidence.labels(market, horizon_ms, name)
            evidence.set(proof.rivals[name].better)
