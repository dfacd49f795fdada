"""A close in the predictor: four horizons predicted by all candidates, and four outcomes learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import thread_time_ns

from marketstream.messages import Features
from predictor.policy.average import AVERAGE
from predictor.registry import native
from predictor.serving.operator import Predictor
from predictor.training.fitting import TrainedModel

HORIZONS_MS = (1_000, 2_000, 5_000, 10_000)
MARKETS = 10
_STEP_MS = 1_000
_MID, _HALF_SPREAD = 100.0, 0.005


def close_us(
    model: TrainedModel, vectors: Sequence[dict[str, float | None]], closes: int
) -> list[float]:
    """Return the microseconds of CPU of each close of each market.

    Markets take turns, as they do where all close at once, so that none finds the caches its own,
    and each horizon of each has a model of its own, read anew: none finds another's trees there.
    """
    written = native.dump(model)
    predictors = [_predictor(f"bench:M{number}/USDT", written) for number in range(MARKETS)]
    took_us = []
    for number in range(closes + max(HORIZONS_MS) // _STEP_MS):
        for predictor in predictors:
            features = _features(predictor.market, number, vectors[number % len(vectors)])
            started_ns = thread_time_ns()
            predictor.update(features)
            took_us.append((thread_time_ns() - started_ns) / 1_000)
    return took_us[-closes * MARKETS :]


def _predictor(market: str, written: bytes) -> Predictor:
    predictor = Predictor(market, timeframe="1s", base="1s", horizons_ms=HORIZONS_MS, serve=AVERAGE)
    models = {each: native.load(written) for each in HORIZONS_MS}
    predictor.install({each: replace(model, horizon_ms=each) for each, model in models.items()})
    return predictor


def _features(market: str, number: int, values: dict[str, float | None]) -> Features:
    """Return a close whose mid is another one than that before, so that outcomes teach."""
    mid = _MID * (1 + 1e-5 * (number % 7))
    bid, ask = mid - _HALF_SPREAD, mid + _HALF_SPREAD
    return Features(market, "1s", _STEP_MS * (number + 1), values, bid, ask, mid, "bench")
