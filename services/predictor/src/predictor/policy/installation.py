"""What is said of models that begin to serve: to all, to the metrics and in the log."""

from __future__ import annotations

from collections.abc import Iterable

from loguru import logger

from marketstream.messages import Model
from marketstream.metrics import Metrics
from predictor.training.fitting import TrainedModel


def note_installed(
    market: str, timeframe: str, models: Iterable[TrainedModel], *, metrics: Metrics
) -> list[Model]:
    """Count and log the models that serve a market from now on; return what to publish of them.

    The metrics of each are how its duel went: the validation log loss of each candidate by name.
    """
    installed = []
    for model in models:
        metrics.model_trained.labels(market, model.horizon_ms).set(model.trained_at_ms / 1_000)
        logger.info(
            "Model installed",
            market=market,
            horizon_ms=model.horizon_ms,
            model=model.champion.name,
            version=model.version,
            rows=model.rows,
            log_losses={name: round(loss, 4) for name, loss in model.validation.items()},
        )
        installed.append(
            Model(
                market=market,
                timeframe=timeframe,
                horizon_ms=model.horizon_ms,
                name=model.champion.name,
                version=model.version,
                trained_at_ms=model.trained_at_ms,
                rows=model.rows,
                metrics=dict(model.validation),
            )
        )
    return installed
