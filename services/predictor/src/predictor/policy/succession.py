"""Whether a model of fewer rows takes the place of one of more: only where it is the better one.

Few rows come after a restart, or with the first quotes of a market that was learnt from its trades:
rows whose label is another's are left out, and what was learnt from them serves until it is beaten.

Each training brings another challenger. How many there can have been follows from the market's time
since the serving model was trained, so that a restart brings no new chances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketstream.evidence import Streams
from predictor.policy.choice import chosen
from predictor.policy.duel import duel, needed
from predictor.training.dataset import Dataset, labelled
from predictor.training.fitting import TrainedModel, try_candidates
from predictor.validation.splits import latest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from predictor.settings import PredictorSettings
    from predictor.training.retraining import TrainingJob

_AS_MANY = 0.9  # a full window loses a few rows now and then
_HALF = 0.5
_LEAST_BETWEEN_MS = 300_000  # two trainings, where the interval is no shorter


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
        if not _is_beaten(serving, data, job.settings, _number(job, serving)):
            found[horizon_ms] = (
                f"{horizon_ms} ms: {serving.champion.name} of {serving.rows} rows serves on, "
                f"{model.champion.name} of {model.rows} is not shown to be better"
            )
    return found


def _number(job: TrainingJob, serving: TrainedModel) -> int:
    """Return which challenger of the serving model a training's can be at most."""
    between_ms = min(_LEAST_BETWEEN_MS, 1_000 * job.settings.training.retrain_interval)
    return 1 + max(0, job.trained_at_ms - serving.trained_at_ms) // between_ms


def _is_beaten(
    serving: TrainedModel, data: Dataset, settings: PredictorSettings, number: int
) -> bool:
    """Say whether what the first half of the rows gives is proven better on the second.

    On moved rows that neither has seen, as challenger of a number. What is too little to say is no.
    """
    split = latest(data, _HALF, embargo=settings.training.embargo)
    later = data.take(split.test & data.moved & (data.times_ms > serving.trained_at_ms))
    tried = try_candidates(data.take(split.train), settings)
    if tried is None or not set(serving.champion.columns) <= set(data.names):
        return False
    name = chosen(tuple(tried.candidates), tried.scores, settings.model)
    met = duel(
        tried.candidates[name].p_up(later), serving.champion.p_up(later), later.up, later.times_ms,
        Streams.foreseen(data.horizon_ms, data.step_ms, data.latency_ms),
    )  # fmt: skip
    return met.log10_e >= needed(number)
