"""`realtime leakcheck`: whether anything learnt from a recording, or judged by, looks ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.timeframes import timeframe_ms
from predictor.leakcheck import (
    Leak,
    fitted,
    fitting,
    horizon,
    overlap,
    streaming,
    truncation,
    warm_up,
)
from predictor.settings import PredictorSettings
from predictor.training.dataset import Dataset, labelled
from predictor.validation.splits import Fold, latest, walk_forward
from realtime_training.commands.leakcheck.sample import Sample
from realtime_training.datasets import profiles
from realtime_training.settings import Settings

_FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Check:
    """What one check came to; `skipped` says why it could not be made."""

    name: str
    says: str
    horizon: int | None = None
    leaks: Sequence[Leak] = ()
    skipped: str | None = None

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        return {
            "check": self.name,
            "says": self.says,
            "horizon": self.horizon,
            "skipped": self.skipped,
            "leaks": [
                {"feature": leak.feature, "time_ms": leak.time_ms, "detail": leak.detail}
                for leak in self.leaks
            ],
        }


def check_features(sample: Sample) -> Iterator[Check]:
    """Yield the checks of features."""
    features, series = sample.features, sample.series
    rows = len(series.candles)
    yield Check(
        "truncation",
        "features stay what they are, whatever comes after",
        leaks=truncation(features, series),
    )
    says = f"after {sample.settled:,} rows no feature depends on where the series began"
    yield Check(
        "warm-up",
        says,
        leaks=warm_up(features, series, sample.settled),
        skipped=None if rows > sample.settled + 1 else f"there are {rows:,} rows: give more",
    )
    yield Check(
        "streaming",
        "features are the same streamed and in batch",
        leaks=streaming(sample.streamed, features, series),
    )


def check_learning(
    sample: Sample,
    table: FeatureTable,
    horizons: Sequence[int],
    settings: Settings,
    latency_ms: int,
) -> Iterator[Check]:
    """Yield, for each horizon, the checks of labels, splits and fitting."""
    predictor = settings.predictor.model_copy(
        update={"features": list(profiles.chosen(sample.label, table, settings).used)}
    )
    for ahead in horizons:
        horizon_ms = ahead * timeframe_ms(sample.timeframe)

        def label_rows(table: FeatureTable, prices: PriceSeries, ms: int = horizon_ms) -> Dataset:
            return labelled(table, prices, horizon_ms=ms, latency_ms=latency_ms, label=sample.label)

        yield Check(
            "horizon",
            "labels are about a time, also across gaps",
            ahead,
            horizon(
                label_rows, table, sample.prices, sample.label,
                horizon_ms=horizon_ms, latency_ms=latency_ms,
            ),
        )  # fmt: skip
        data = label_rows(table, sample.prices)
        yield from _check_splits(data, ahead, predictor)


def _check_splits(data: Dataset, ahead: int, settings: PredictorSettings) -> Iterator[Check]:
    training = settings.training

    def splits(data: Dataset) -> list[Fold]:
        return [
            latest(data, training.validation_split, embargo=training.embargo),
            *walk_forward(data, training.folds, embargo=training.embargo),
        ]

    purged = "what is learnt from was over before the judging begins"
    fits = "scaler, filler and models are fitted on rows to learn from only"
    few = None if len(data) else "there are no labelled rows"
    yield Check("overlap", purged, ahead, overlap(data, splits) if few is None else (), few)
    if few is None:
        fold = splits(data)[0]
        moved = np.count_nonzero(data.moved & fold.train)
        if moved < training.fewest_moved:
            few = f"{moved} rows to learn from moved, and {training.fewest_moved} are needed"
    leaks = fitting(fitted(settings), data, fold) if few is None else ()
    yield Check("fitting", fits, ahead, leaks, few)


def check_leaks(
    sample: Sample,
    horizons: Sequence[int],
    settings: Settings,
    *,
    latency_ms: int = 0,
    told: Callable[[Check], None] = lambda _check: None,
) -> dict[str, Any]:
    """Make all checks and return the summary; `told` hears of each as it is made.

    Labels, splits and fitting are checked on the rows after the warm-up, where there are such.
    """
    table = sample.features(sample.series)
    left_out = sample.settled if len(table) >= sample.settled + _FEWEST_ROWS else 0
    checks = []
    learning = table.rows(slice(left_out, None))
    for check in chain(
        check_features(sample), check_learning(sample, learning, horizons, settings, latency_ms)
    ):
        told(check)
        checks.append(check)
    leaks = sum(len(check.leaks) for check in checks)
    return {
        "symbol": sample.symbol,
        "timeframe": sample.timeframe,
        "label": sample.label,
        "latency_ms": latency_ms,
        "horizons": list(horizons),
        "rows": len(table),
        "warm_up_rows": left_out,
        "features": len(table.names),
        "clean": leaks == 0,
        "leaks": leaks,
        "checks": [check.summary() for check in checks],
    }
