"""What is said of models that begin to serve: to all, to the metrics and in the log."""

from __future__ import annotations

from collections.abc import Iterable

from loguru import logger

from marketstream.messages import Model
from marketstream.metrics import Metrics
from predictor.training.fitting import TrainedModel

TRAINED = "trained anew"


def note_installed(
    market: str,
    timeframe: str,
    models: Iterable[TrainedModel],
    *,
    configured: str,
    metrics: Metrics,
) -> list[Model]:
    """Count and log the models that serve a market from now on; return what to publish of them.

    The metrics of each are how its duel went: the validation log loss of each candidate by name.
    Where the `configured` learner lost it, the log says so.
    """
    installed = []
    for model in models:
        metrics.model_trained.labels(market, model.horizon_ms).set(model.trained_at_ms / 1_000)
        lost_by = _lost_by(model, configured)
        logger.info(
            "Model installed" if lost_by is None else "Model installed, better than the configured",
            market=market,
            horizon_ms=model.horizon_ms,
            model=model.champion.name,
            version=model.version,
            rows=model.rows,
            log_losses={name: round(loss, 4) for name, loss in model.validation.items()},
            **({} if lost_by is None else {"configured": configured, "lost_by": lost_by}),
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
                since_ms=model.trained_at_ms if model.since_ms is None else model.since_ms,
                why=model.why or TRAINED,
            )
        )
    return installed


def _lost_by(model: TrainedModel, configured: str) -> float | None:
    """Return how much greater the log loss of the configured learner is.

    None where it serves, and where it lost by nothing.
    """
    losses = model.validation
    if model.champion.name == configured or configured not in losses:
        return None
    lost_by = round(losses[configured] - losses[model.champion.name], 4)
    return lost_by if lost_by > 0 else None
