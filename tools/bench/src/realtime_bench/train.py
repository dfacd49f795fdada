"""What training waits for: features and labels of a million candles, and LightGBM itself."""

from __future__ import annotations

from functools import partial

import numpy as np

from marketstream.columns import CandleColumns, Flags, Floats, PriceSeries
from predictor.models import LEARNERS
from predictor.training.dataset import Dataset, labelled
from realtime_bench.figures import Effort, Measured, Say
from realtime_bench.seeded_candles import seeded_candles
from realtime_bench.timing import one_core, timed
from realtime_training.settings import load_all
from technical_indicators.batch import feature_columns
from technical_indicators.feature_set import FeatureSet

_CANDLES, _ROWS, _COLUMNS = 1_000_000, 200_000, 60
_QUICK = 50  # times less
_TIMEFRAME, _HORIZON_MS = "1m", 300_000


def bench_train(effort: Effort, say: Say) -> Measured:
    """Measure the seconds of both on one core."""
    settings = load_all()
    less = _QUICK if effort.quick else 1
    candles = seeded_candles(_CANDLES // less, _TIMEFRAME)
    feature_set = FeatureSet(_TIMEFRAME, _TIMEFRAME, settings.features)
    rows, up = _rows(_ROWS // less)
    hyperparameters = settings.predictor.model.hyperparameters
    fit = partial(LEARNERS["lightgbm"], rows, up, hyperparameters)
    runs: dict[str, list[float]] = {"features_1m_seconds": [], "lightgbm_200k_seconds": []}
    with one_core() as core:
        for number in range(1, effort.runs + 1):
            say(f"run {number} of {effort.runs}")
            seconds, data = timed(partial(_features_and_labels, candles, feature_set))
            runs["features_1m_seconds"].append(seconds)
            runs["lightgbm_200k_seconds"].append(timed(fit)[0])
    conditions = {
        "candles": len(candles),
        "labelled": len(data),
        "features": len(feature_set.names),
        "rows": len(rows),
        "columns": _COLUMNS,
        "hyperparameters": hyperparameters,
        "core": core,
    }
    return Measured(runs, conditions)


def _features_and_labels(candles: CandleColumns, feature_set: FeatureSet) -> Dataset:
    table = feature_columns(candles, candles, feature_set)
    return labelled(table, PriceSeries.of(candles), horizon_ms=_HORIZON_MS, label="close")


def _rows(count: int) -> tuple[Floats, Flags]:
    """Make rows of which some columns say a little about the class."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(count, _COLUMNS))
    return rows, rows[:, :5].sum(axis=1) + 5 * random.normal(size=count) > 0
