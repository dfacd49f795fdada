"""Each kind of leak, planted, is caught by name; without it nothing is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from marketstream.columns import FeatureTable, Floats, PriceSeries
from marketstream.messages import Candle
from predictor.leakcheck import (
    Featured,
    Leak,
    Pipeline,
    Series,
    before_training,
    fitted,
    fitting,
    horizon,
    overlap,
    streaming,
    truncation,
    warm_up,
)
from predictor.models import fit_logistic
from predictor.settings import PredictorSettings
from predictor.training.dataset import Dataset, labelled
from predictor.validation.splits import Fold, latest, walk_forward

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]

ROWS = 200
WINDOW = 5


def make_series(rows: int = ROWS) -> Series:
    """Candles of a second, each of two halves."""
    random = np.random.default_rng(0)
    close = 100 * np.exp(np.cumsum(random.normal(0, 1e-3, 2 * rows)))
    volume = random.lognormal(size=2 * rows)

    def candle(timeframe: str, length_ms: int, number: int, row: int) -> Candle:
        price = float(close[row])
        return Candle(
            market="m", timeframe=timeframe,
            open_time_ms=length_ms * number, close_time_ms=length_ms * (number + 1),
            open=price, high=price, low=price, close=price,
            volume=float(volume[row]), quote_volume=0.0, trade_count=1,
            taker_buy_volume=0.0, taker_buy_quote_volume=0.0, bid=price - 1, ask=price + 1,
        )  # fmt: skip

    return Series(
        [candle("1s", 1_000, number, 2 * number + 1) for number in range(rows)],
        [candle("500ms", 500, number, number) for number in range(2 * rows)],
    )


def closes(candles: Sequence[Candle]) -> Floats:
    return np.array([candle.close for candle in candles])


def table_of(series: Series, **features: Floats) -> FeatureTable:
    close = closes(series.candles)
    return FeatureTable(
        np.array([candle.close_time_ms for candle in series.candles]),
        tuple(features), np.column_stack([*features.values()]),
        close - 1, close + 1, close, np.ones(len(close), np.bool_),
    )  # fmt: skip


def honest(series: Series) -> FeatureTable:
    """A mean over the last candles, and the return since the last half candle."""
    close, halves = closes(series.candles), closes(series.base_candles)
    mean = np.full(len(close), np.nan)
    mean[WINDOW - 1 :] = [close[end - WINDOW : end].mean() for end in range(WINDOW, len(close) + 1)]
    return table_of(series, mean=mean, half=halves[1::2] / halves[::2] - 1)


def beside(name: str, feature: Callable[[Floats], Floats]) -> Featured:
    """The honest features and another one."""

    def features(series: Series) -> FeatureTable:
        table = honest(series)
        added = feature(closes(series.candles))
        return replace(
            table, names=(*table.names, name), values=np.column_stack((table.values, added))
        )

    return features


def next_one(close: Floats) -> Floats:
    return np.append(close[1:], np.nan)


def centred(close: Floats) -> Floats:
    return np.convolve(close, np.ones(3) / 3, mode="same")


def against_all(close: Floats) -> Floats:
    return (close - close.mean()) / close.std()


def summed(close: Floats) -> Floats:
    return np.cumsum(close)


def fading(close: Floats) -> Floats:
    values = close.copy()
    for row in range(1, len(values)):
        values[row] = 0.5 * close[row] + 0.5 * values[row - 1]
    return values


def names(leaks: Sequence[Leak], kind: str) -> list[str]:
    assert {leak.kind for leak in leaks} <= {kind}
    return [leak.feature for leak in leaks]


@pytest.mark.parametrize("peeking", [next_one, centred, against_all])
def test_feature_that_looks_ahead_is_caught_by_name(peeking: Callable[[Floats], Floats]) -> None:
    series = make_series()
    leaks = truncation(beside("peek", peeking), series)
    assert names(leaks, "truncation") == ["peek"]
    times = [candle.close_time_ms for candle in series.candles]
    assert leaks[0].time_ms in times
    assert "with another market after" in leaks[0].detail
    assert truncation(honest, series) == []


def test_finest_candles_that_close_later_are_found_too() -> None:
    def peek(series: Series) -> FeatureTable:
        halves = closes(series.base_candles)
        return table_of(series, next_half=np.append(halves[2::2], np.nan))

    assert names(truncation(peek, make_series()), "truncation") == ["next_half"]


def test_feature_that_depends_on_where_the_series_began_is_caught_by_name() -> None:
    series = make_series()
    leaks = warm_up(beside("sum", summed), series, 60)
    assert names(leaks, "warm-up") == ["sum"]
    assert "where the series begins 70 candles later" in leaks[0].detail
    assert warm_up(beside("fading", fading), series, 60) == []
    assert names(warm_up(beside("fading", fading), series, 10), "warm-up") == ["fading"]
    assert names(warm_up(honest, series, 1), "warm-up") == ["mean"]
    assert warm_up(beside("sum", summed), make_series(60), 60) == []  # nothing can be said


def test_feature_that_is_another_number_when_streamed_is_caught_by_name() -> None:
    def streamed(series: Series) -> FeatureTable:
        table = honest(series)
        values = table.values.copy()
        values[50, 0] += 1e-12
        return replace(table, values=values)

    series = make_series()
    leaks = streaming(streamed, honest, series)
    assert names(leaks, "streaming") == ["mean"]
    assert leaks[0].time_ms == 51_000
    assert streaming(honest, honest, series) == []
    shorter = honest(Series(series.candles[1:], series.base_candles[2:]))
    assert names(streaming(lambda _: shorter, honest, series), "streaming") == ["every feature"]


def make_data(make_market: MakeMarket, rows: int = 400, horizon_ms: int = 5_000) -> Dataset:
    market = make_market(rows)
    return labelled(market.table, market.prices, horizon_ms=horizon_ms)


def test_split_without_purging_is_caught(make_market: MakeMarket) -> None:
    def unpurged(data: Dataset) -> list[Fold]:
        earlier = np.arange(len(data)) < 300
        return [Fold(earlier, ~earlier, 300_000)]

    data = make_data(make_market)
    (leak,) = overlap(data, unpurged)
    assert (leak.kind, leak.feature, leak.time_ms) == ("overlap", "label", 296_000)
    assert "the judging begins 300000; its outcome is known 301000" in leak.detail
    hidden = replace(data, ends_ms=data.times_ms)  # as if outcomes were known at once
    assert len(overlap(hidden, unpurged)) == 1


def test_rows_learnt_from_and_judged_by_are_caught(make_market: MakeMarket) -> None:
    data = make_data(make_market)
    every = np.ones(len(data), np.bool_)
    (leak,) = overlap(data, lambda _: [Fold(every, every, 0)])
    assert (leak.kind, leak.time_ms) == ("overlap", 0)
    assert "learnt from and judged by" in leak.detail


def test_splits_that_train_have_no_overlap(make_market: MakeMarket) -> None:
    data = make_data(make_market)
    assert overlap(data, lambda rows: walk_forward(rows, 5)) == []
    assert overlap(data, lambda rows: [latest(rows, 0.3)]) == []


def scaled_by_all(data: Dataset, fold: Fold) -> Floats:
    """Standardize two columns by all rows, then learn from some."""
    columns = data.columns(["imbalance", "noise_1"])
    scaled = np.nan_to_num((columns - np.nanmean(columns, axis=0)) / np.nanstd(columns, axis=0))
    model = LogisticRegression().fit(scaled[fold.train], data.up[fold.train])
    return np.asarray(model.predict_proba(scaled[fold.test]))


def filled_by_all(data: Dataset, fold: Fold) -> Floats:
    """Fill in the median of all rows, then learn from some."""
    known = np.isfinite(data.values)
    values = np.where(known, data.values, np.nanmedian(data.values, axis=0))
    return fit_logistic(values[fold.train], data.up[fold.train], {}).probability(values[fold.test])


def fitted_on_all(data: Dataset, fold: Fold) -> Floats:
    """Learn from everything."""
    return fit_logistic(data.values, data.up, {}).probability(data.values[fold.test])


def told_the_share_of_ups(data: Dataset, fold: Fold) -> Floats:
    """Learn nothing but how often it goes up, also in the rows that judge."""
    return np.full(np.count_nonzero(fold.test), data.up.mean())


@pytest.mark.parametrize("pipeline", [filled_by_all, fitted_on_all])
def test_whatever_is_fitted_on_rows_that_judge_is_caught(
    make_market: MakeMarket, pipeline: Pipeline
) -> None:
    data = make_data(make_market)
    fold = walk_forward(data, 3)[0]
    leaks = fitting(pipeline, data, fold)
    assert set(names(leaks, "fitting")) == set(data.names)
    assert {leak.time_ms for leak in leaks} == {int(data.times_ms[fold.test].min())}


def test_scaler_fitted_on_all_rows_is_caught_by_the_features_that_it_scales(
    make_market: MakeMarket,
) -> None:
    data = make_data(make_market)
    leaks = fitting(scaled_by_all, data, walk_forward(data, 3)[0])
    assert names(leaks, "fitting") == ["imbalance", "noise_1"]


def test_outcomes_of_rows_that_judge_are_caught_as_the_label(make_market: MakeMarket) -> None:
    data = make_data(make_market)
    leaks = fitting(told_the_share_of_ups, data, walk_forward(data, 3)[0])
    assert names(leaks, "fitting") == ["label"]


@pytest.mark.parametrize("learner", ["logistic", "lightgbm", "random_forest"])
def test_what_trains_is_fitted_on_rows_to_learn_from_only(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    data = make_data(make_market)
    pipeline = fitted(make_settings(learner))
    fold = walk_forward(data, 3)[0]
    assert pipeline(data, fold).shape == (np.count_nonzero(fold.test), 5)
    assert fitting(pipeline, data, fold) == []


def by_time(table: FeatureTable, prices: PriceSeries) -> Dataset:
    return labelled(table, prices, horizon_ms=5_000)


def test_labels_by_rows_are_caught_across_a_gap(make_market: MakeMarket) -> None:
    def by_rows(table: FeatureTable, prices: PriceSeries) -> Dataset:
        data = by_time(table, prices)
        later = np.append(prices.mid[5:], np.full(5, np.nan))
        returns = np.log(later / prices.mid)[: len(table)]
        known = np.isfinite(returns)
        return replace(
            data.take(np.zeros(len(data), np.bool_)),
            times_ms=table.close_time_ms[known], ends_ms=table.close_time_ms[known] + 5_000,
            returns=returns[known],
        )  # fmt: skip

    market = make_market(400)
    (leak,) = horizon(by_rows, market.table, market.prices, "mid", horizon_ms=5_000)
    assert (leak.kind, leak.feature, leak.time_ms) == ("horizon", "label", 195_000)
    assert "nan from 195000 to 200000" in leak.detail
    assert horizon(by_time, market.table, market.prices, "mid", horizon_ms=5_000) == []


def test_labels_that_leave_the_latency_out_are_caught(make_market: MakeMarket) -> None:
    market = make_market(400)
    (leak,) = horizon(
        by_time, market.table, market.prices, "mid", horizon_ms=5_000, latency_ms=1_000
    )
    assert leak.kind == "horizon"


def test_outcomes_said_to_be_known_too_early_are_caught(make_market: MakeMarket) -> None:
    def hasty(table: FeatureTable, prices: PriceSeries) -> Dataset:
        data = by_time(table, prices)
        return replace(data, ends_ms=data.ends_ms - 1)

    market = make_market(400)
    (leak,) = horizon(hasty, market.table, market.prices, "mid", horizon_ms=5_000)
    assert "is said to be known 4999, before 5000" in leak.detail


def test_nothing_is_found_before_a_training_that_is_honest(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market, settings = make_market(3_000), make_settings("lightgbm")
    for rows in (slice(None), slice(0, 20), slice(0, 0)):
        table = market.table.rows(rows)
        for label in ("mid", "close"):
            assert before_training(
                table, market.prices, [1_000, 5_000], settings, latency_ms=250, label=label
            ) == []  # fmt: skip
