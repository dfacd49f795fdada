"""The checks that are cheap enough to be made before each training."""

from __future__ import annotations

from collections.abc import Sequence

from marketstream.columns import FeatureTable, PriceSeries
from predictor.leakcheck.leaks import Leak
from predictor.leakcheck.learning import fitted, fitting, horizon, overlap
from predictor.settings import ModelSettings, PredictorSettings
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label
from predictor.validation.splits import Fold, latest, walk_forward

_ROWS = 1_000  # the newest


def before_training(
    table: FeatureTable,
    prices: PriceSeries,
    horizons_ms: Sequence[int],
    settings: PredictorSettings,
    *,
    latency_ms: int = 0,
    label: Label = "mid",
) -> list[Leak]:
    """Return leaks in the labels, the splits and the fitting of the newest rows.

    Takes some tens of ms a horizon; what is fitted for it is a logistic regression.
    """
    training = settings.training
    newest = table.rows(slice(-_ROWS, None))
    if len(newest) == 0:
        return []
    prices = prices.rows(prices.close_time_ms >= newest.close_time_ms[0])
    logistic = settings.model_copy(update={"model": ModelSettings(type="logistic")})

    def splits(data: Dataset) -> list[Fold]:
        return [
            latest(data, training.validation_split, embargo=training.embargo),
            *walk_forward(data, training.folds, embargo=training.embargo),
        ]

    found: list[Leak] = []
    for horizon_ms in horizons_ms:

        def label_rows(table: FeatureTable, prices: PriceSeries, ms: int = horizon_ms) -> Dataset:
            return labelled(table, prices, horizon_ms=ms, latency_ms=latency_ms, label=label)

        found += horizon(
            label_rows, newest, prices, label, horizon_ms=horizon_ms, latency_ms=latency_ms
        )
        data = label_rows(newest, prices)
        if len(data) == 0:
            continue
        found += overlap(data, splits)
        if horizon_ms == horizons_ms[0]:
            found += fitting(fitted(logistic), data, splits(data)[0])
    return found
