"""Walking forward: what is there is found, what is not is not, and both are said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from marketstream.columns import FeatureTable, PriceSeries
from marketstream.uncertainty import wilson
from predictor.models import LEARNERS
from predictor.settings import AbstentionSettings, PredictorSettings
from predictor.training.candidates import FIVE_FEATURES
from predictor.training.dataset import labelled
from predictor.validation.evaluation import evaluate
from predictor.validation.figures import Evaluation, Rival, Share
from predictor.validation.out_of_sample import walk

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]
NAMES = (*FIVE_FEATURES, "noise_1", "noise_2")


def random_walk(rows: int, seed: int) -> tuple[FeatureTable, PriceSeries]:
    """A mid that nothing foretells, and trades at 5 bp of spread, whose side features know."""
    random = np.random.default_rng(seed)
    mid = 100 * np.exp(np.cumsum(random.normal(0, 2e-4, rows + 1)))
    side = np.where(random.random(rows + 1) < 0.5, 1.0, -1.0)
    close = mid * (1 + 2.5e-4 * side)
    values = random.normal(size=(rows, len(NAMES)))
    values[:, NAMES.index("close_against_mid")] = (close / mid - 1)[:-1]
    values[1:, NAMES.index("return_1s")] = (close[1:-1] / close[:-2]) - 1
    times = 1_000 * np.arange(rows + 1, dtype=np.int64)
    table = FeatureTable(
        times[:-1], NAMES, values, mid[:-1] * (1 - 2.5e-4), mid[:-1] * (1 + 2.5e-4), close[:-1],
        np.ones(rows, np.bool_),
    )  # fmt: skip
    return table, PriceSeries(times, mid, close, 1_000)


def scored(evaluation: Evaluation) -> Share:
    assert evaluation.score is not None
    return evaluation.score


def assert_no_skill(evaluation: Evaluation) -> None:
    score = scored(evaluation)
    assert score.low is not None
    assert score.high is not None
    assert score.low <= 0.5 <= score.high
    assert evaluation.verdict == "no skill"
    assert evaluation.average is not None
    low, high = wilson(evaluation.average.accuracy, score.effective)
    assert low <= 0.5 <= high


@pytest.mark.parametrize("learner", LEARNERS)
def test_random_walk_with_a_spread_reads_one_half(
    make_settings: MakeSettings, learner: str
) -> None:
    table, prices = random_walk(3_000, seed=4)
    evaluation, _ = evaluate(table, prices, 1_000, make_settings(learner, folds=2))
    assert_no_skill(evaluation)
    assert all(abs(each.accuracy - 0.5) < 0.06 for each in evaluation.baselines.values())


@pytest.mark.parametrize("learner", LEARNERS)
def test_shuffled_labels_read_one_half(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(3_000, seed=5)
    shuffled = np.random.default_rng(5).permutation(market.table.values)
    table = replace(market.table, values=shuffled)
    evaluation, _ = evaluate(table, market.prices, 1_000, make_settings(learner, folds=2))
    assert_no_skill(evaluation)


def test_close_of_a_random_walk_with_a_spread_looks_like_skill_which_is_why_it_is_no_label(
    make_settings: MakeSettings,
) -> None:
    table, prices = random_walk(3_000, seed=4)
    evaluation, _ = evaluate(table, prices, 1_000, make_settings(folds=2), label="close")
    low = scored(evaluation).low
    assert low is not None
    assert low > 0.6


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_there_is_found_and_not_more(
    make_market: MakeMarket, make_settings: MakeSettings, learner: str
) -> None:
    market = make_market(3_000, seed=1, certainty=0.75)
    evaluation, rows = evaluate(
        market.table, market.prices, 1_000, make_settings(learner, folds=2), cost_bps=0.1
    )
    score = scored(evaluation)
    assert evaluation.verdict == "skill"
    assert score.accuracy is not None
    assert score.low is not None
    assert score.low <= 0.75
    assert score.accuracy >= 0.71
    assert evaluation.flat_share == pytest.approx(0.3, abs=0.04)
    assert evaluation.accuracy_all == pytest.approx(score.accuracy * score.moved / evaluation.rows)
    assert evaluation.accuracy_half == pytest.approx(
        evaluation.accuracy_all + 0.5 * evaluation.flat_share
    )
    assert evaluation.coverage == pytest.approx(0.8, abs=0.03)
    assert evaluation.calibration_error is not None
    assert evaluation.calibration_error < 0.1
    assert evaluation.references["imbalance_sign"].accuracy == pytest.approx(0.75, abs=0.03)
    assert evaluation.average is not None
    assert evaluation.average.accuracy == pytest.approx(score.accuracy, abs=0.02)
    assert evaluation.gross_bps == pytest.approx(0.5 * 0.7, abs=0.06)  # moves of 1 bp, 3 of 4 right
    assert evaluation.net_bps == pytest.approx(evaluation.gross_bps - 0.1)
    assert [fold.rows for fold in evaluation.folds] == [750, 750]
    assert rows is not None
    assert rows.p_up[learner].shape == rows.returns.shape


def test_most_confident_rows_are_as_many_as_the_later_slice_foretold(
    make_settings: MakeSettings,
) -> None:
    random = np.random.default_rng(2)
    table, prices = random_walk(6_000, seed=2)
    lean = random.uniform(-1, 1, 6_000)
    up = random.random(6_000) < 0.5 + 0.5 * lean
    mid = 100 * np.exp(np.concatenate([[0], np.cumsum(np.where(up, 1e-4, -1e-4))]))
    table = replace(table, values=np.column_stack([lean, table.values[:, 1:]]))
    evaluation, _ = evaluate(
        table, replace(prices, mid=mid), 1_000, make_settings("logistic", folds=2)
    )
    accuracies = []
    for top in evaluation.top:
        assert top.coverage == pytest.approx(top.share, abs=0.03)
        assert top.score.accuracy is not None
        accuracies.append(top.score.accuracy)
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > 0.93


def test_rows_that_are_not_answered_are_counted_and_not_scored(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(2_000, certainty=0.75)
    strange = market.table.values.copy()
    strange[1_500:1_600, NAMES.index("noise_1")] = 1e6
    names = ("a", *NAMES[1:])  # without a reference, whose answers are few and equally sure
    table = replace(market.table, values=strange, names=names)
    settings = make_settings("logistic", columns=names, folds=2)
    settings = settings.model_copy(update={"abstention": AbstentionSettings(rate=0.4)})
    evaluation, rows = evaluate(table, market.prices, 1_000, settings)
    assert rows is not None
    assert not rows.answered[(rows.times_ms >= 1_500_000) & (rows.times_ms < 1_600_000)].any()
    assert evaluation.abstained == pytest.approx(0.4 * 0.9 + 0.1, abs=0.06)
    score = scored(evaluation)
    assert score.moved == np.count_nonzero(rows.answered & (rows.returns != 0))
    hits = (rows.p_up["logistic"] > 0.5) == (rows.returns > 0)
    assert score.accuracy == hits[rows.answered & (rows.returns != 0)].mean()


def test_little_data_gets_no_verdict_and_goes_to_json(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    for size in (0, 5, 60, 150):
        market = make_market(max(size, 2), certainty=1.0).rows(slice(0, size))
        evaluation, rows = evaluate(
            market.table, market.prices, 1_000, make_settings("logistic"), trials=7
        )
        assert evaluation.verdict == "too little data"
        assert evaluation.trials == 7
        assert evaluation.rows == (0 if rows is None else len(rows))
        assert msgspec.json.decode(msgspec.json.encode(evaluation), type=Evaluation) == evaluation


def test_skill_has_to_beat_the_best_baseline(
    make_settings: MakeSettings,
) -> None:
    table, prices = random_walk(3_000, seed=0)
    trend = np.where(np.arange(3_001) % 1_000 < 800, 1e-4, -1e-4)  # mostly up: majority knows
    prices = replace(prices, mid=100 * np.exp(np.cumsum(trend)))
    evaluation, _ = evaluate(table, prices, 1_000, make_settings("logistic", folds=2))
    score = scored(evaluation)
    assert score.low is not None
    assert score.low > 0.5
    rival = evaluation.baselines["majority"]
    assert isinstance(rival, Rival)
    assert rival.ahead_low is not None
    assert rival.ahead_low <= 0
    assert evaluation.verdict == "no skill"


def test_walk_tells_how_far_it_is_and_does_not_depend_on_what_comes_later(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(1_200)
    settings = make_settings("lightgbm", folds=3)
    data = labelled(market.table, market.prices, horizon_ms=1_000)
    told: list[tuple[int, int]] = []
    whole = walk(data, settings, lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert whole is not None
    # Scramble all that comes after the first fold: what was said in it stays.
    later = data.times_ms >= whole.times_ms[whole.fold == 1][0]
    lies = np.where(later[:, None], 7.0, data.values)
    returns = np.where(later, 1e-3, data.returns)
    other = walk(replace(data, values=lies, returns=returns, ways=returns), settings)
    assert other is not None
    first = whole.fold == 0
    for name in whole.p_up:
        np.testing.assert_array_equal(other.p_up[name][first], whole.p_up[name][first])
    np.testing.assert_array_equal(other.low[first], whole.low[first])
