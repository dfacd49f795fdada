"""What is said of models that begin to serve: to the store, to the metrics and in the log."""

from __future__ import annotations

from collections.abc import Iterable

from loguru import logger

from marketstream.metrics import Metrics
from marketstream.store.rows import ModelRow
from marketstream.store.writer import StoreWriter
from predictor.training.fitting import TrainedModel


def note_installed(
    market: str,
    timeframe: str,
    models: Iterable[TrainedModel],
    *,
    writer: StoreWriter,
    metrics: Metrics,
) -> None:
    """Store, count and log the models that serve a market from now on."""
    for model in models:
        writer.put(
            ModelRow(
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
        trained_s = model.trained_at_ms / 1_000
        metrics.model_trained.labels(market, model.horizon_ms).set(trained_s)
        logger.info(
            "Model installed",
            market=market,
            horizon_ms=model.horizon_ms,
            model=model.champion.name,
            version=model.version,
            rows=model.rows,
        )
