"""Whether a model of fewer rows takes the place of one of more: only where it is the better one.

Few rows come after a restart, or with the first quotes of a market that was learnt from its trades:
rows whose label is another's are left out, and what was learnt from them serves until it is beaten.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from marketstream.uncertainty import HORIZONS_PER_BLOCK, Z95, variance_of_mean
from predictor.policy.choice import chosen
from predictor.training.calibration import log_losses
from predictor.training.dataset import Dataset, labelled
from predictor.training.fitting import TrainedModel, try_candidates
from predictor.validation.splits import latest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from predictor.settings import PredictorSettings
    from predictor.training.retraining import TrainingJob

_AS_MANY = 0.9  # a full window loses a few rows now and then
_HALF = 0.5


def staying(job: TrainingJob, models: Mapping[int, TrainedModel]) -> dict[int, str]:
    """Return the horizons whose serving model stays, with the reason, of those newly trained."""
    found = {}
    for horizon_ms, model in models.items():
        serving = job.serving.get(horizon_ms)
        if serving is None or model.rows >= _AS_MANY * serving.rows:
            continue
        if serving.latency_ms != job.latency_ms:
            continue  # it answers another question: its start prices do not wait for the quotes
        data = labelled(
            job.table, job.prices,
            horizon_ms=horizon_ms, latency_ms=job.latency_ms, label=job.label,
        )  # fmt: skip
        if not _is_beaten(serving, data, job.settings):
            found[horizon_ms] = (
                f"{horizon_ms} ms: {serving.champion.name} of {serving.rows} rows serves on, "
                f"{model.champion.name} of {model.rows} is not better beyond chance"
            )
    return found


def _is_beaten(serving: TrainedModel, data: Dataset, settings: PredictorSettings) -> bool:
    """Say whether what the first half of the rows gives is better on the second.

    On moved rows that neither has seen, by log loss, at 95 %. What is too little to say is no.
    """
    split = latest(data, _HALF, embargo=settings.training.embargo)
    later = data.take(split.test & data.moved & (data.times_ms > serving.trained_at_ms))
    tried = try_candidates(data.take(split.train), settings)
    if tried is None or not set(serving.champion.columns) <= set(data.names):
        return False
    name = chosen(tuple(tried.candidates), tried.scores, settings.model)
    ahead = log_losses(serving.champion.p_up(later), later.up) - log_losses(
        tried.candidates[name].p_up(later), later.up
    )
    blocks = later.times_ms // (HORIZONS_PER_BLOCK * data.horizon_ms)
    variance = variance_of_mean(ahead, blocks)
    return variance is not None and float(np.mean(ahead)) > Z95 * sqrt(variance)
