"""Leaks in what is learnt: labels, splits, and whatever is fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from marketstream.columns import FeatureTable, Floats, PriceSeries
from predictor.leakcheck.leaks import LABEL, Leak
from predictor.settings import PredictorSettings
from predictor.training.dataset import Dataset
from predictor.training.fitting import try_candidates
from predictor.training.prices import Label, label_prices, on_grid
from predictor.validation.splits import Fold

_SAME = 1e-9
_UNKNOWN = 0.05  # the share of values taken out, so that whatever fills them in has work to do

type Splitter = Callable[[Dataset], Sequence[Fold]]
type Labeller = Callable[[FeatureTable, PriceSeries], Dataset]
type Pipeline = Callable[[Dataset, Fold], Floats]
"""Fits on the rows of a fold that are learnt from, and tells each row that judges some values."""


def overlap(data: Dataset, split: Splitter) -> list[Leak]:
    """Return (d) a row that is learnt from though its outcome falls into the rows that judge."""
    over_ms = np.maximum(data.ends_ms, data.times_ms + data.horizon_ms)
    for fold in split(data):
        if not fold.test.any():
            continue
        begin_ms = int(data.times_ms[fold.test].min())
        for wrong, why in (
            (fold.train & fold.test, "is learnt from and judged by"),
            (
                fold.train & (over_ms > begin_ms),
                f"is learnt from, and the judging begins {begin_ms}",
            ),
        ):
            if wrong.any():
                row = int(np.argmax(wrong))
                detail = f"{why}; its outcome is known {over_ms[row]}"
                return [Leak("overlap", LABEL, int(data.times_ms[row]), detail)]
    return []


def fitting(pipeline: Pipeline, data: Dataset, fold: Fold, *, seed: int = 0) -> list[Leak]:
    """Return (e) features whose later values change what the first row that judges is told.

    So they do where a scaler, or what fills in unknown values, was fitted on more than the rows to
    learn from; some values are taken out first, so that there is something to fill in.
    """
    random = np.random.default_rng(seed)
    values = np.where(random.random(data.values.shape) < _UNKNOWN, np.nan, data.values)
    data = replace(data, values=values)
    judged = np.flatnonzero(fold.test)
    if len(judged) < 2 or not fold.train.any():
        return []
    later = judged[1:]
    told = pipeline(data, fold)[0]

    def depends(columns: Sequence[int], *, outcomes: bool) -> bool:
        other = data.values.copy()
        for column in columns:
            other[later, column] = 10 * (1 + np.abs(random.permutation(other[later, column])))
        returns = data.returns.copy()
        if outcomes:
            returns[later] = -3 * random.permutation(returns[later])
        changed = replace(data, values=other, returns=returns, ways=returns)
        return not np.allclose(pipeline(changed, fold)[0], told, rtol=_SAME, atol=_SAME)

    every = range(len(data.names))
    if not depends(every, outcomes=True):
        return []
    detail = f"what is said of it depends on rows after it, from {data.times_ms[later[0]]}"
    named = [data.names[column] for column in every if depends([column], outcomes=False)]
    time_ms = int(data.times_ms[judged[0]])
    return [Leak("fitting", name, time_ms, detail) for name in named or [LABEL]]


def fitted(settings: PredictorSettings) -> Pipeline:
    """Return the pipeline that trains: all candidates, and how likely the price moves."""

    def pipeline(data: Dataset, fold: Fold) -> Floats:
        tried = try_candidates(data.take(fold.train), settings)
        asked = data.take(fold.test)
        if tried is None:
            return np.zeros((len(asked), 1))
        told = [
            each.up.probability(asked.columns(each.columns)) for each in tried.candidates.values()
        ]
        return np.column_stack([*told, tried.moves.probability(asked.columns(tried.move_columns))])

    return pipeline


def horizon(
    label_rows: Labeller,
    table: FeatureTable,
    prices: PriceSeries,
    label: Label,
    *,
    horizon_ms: int,
    latency_ms: int = 0,
) -> list[Leak]:
    """Return (f) a label that is not about its moment in time, or known where that is missing.

    Checked on the rows as they are, and with a hole in the middle longer than the horizon.
    """
    middle = len(prices.close_time_ms) // 2
    holed = np.ones(len(prices.close_time_ms), np.bool_)
    holed[middle : middle + 2 * max(1, horizon_ms // prices.base_ms) + 1] = False
    for known in (prices, prices.rows(holed)):
        there = np.isin(table.close_time_ms, known.close_time_ms)
        data = label_rows(table.rows(there), known)
        known_prices = label_prices(known, label).tolist()
        price_at = dict(zip(known.close_time_ms.tolist(), known_prices, strict=True))
        rows = zip(
            data.times_ms.tolist(), data.ends_ms.tolist(), data.returns.tolist(), strict=True
        )
        for time_ms, end_ms, labelled in rows:
            from_ms = on_grid(time_ms + latency_ms, prices.base_ms)
            to_ms = on_grid(time_ms + latency_ms + horizon_ms, prices.base_ms)
            right = np.log(price_at.get(to_ms, np.nan) / price_at.get(from_ms, np.nan))
            if not np.isclose(labelled, right, rtol=_SAME, atol=1e-15):
                what = f"is {labelled:.9g}, and {right:.9g} from {from_ms} to {to_ms}"
            elif end_ms < to_ms:
                what = f"is said to be known {end_ms}, before {to_ms}, which it is about"
            else:
                continue
            return [Leak("horizon", LABEL, time_ms, what)]
    return []
