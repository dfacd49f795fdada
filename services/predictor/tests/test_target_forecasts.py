"""Forecasts know nothing of the future, find what is there, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, norm

from marketstream.columns import CandleColumns, Floats
from predictor.targets.bounds import LEVELS, Tracker, tracked
from predictor.targets.definitions import Target
from predictor.targets.evaluation import evaluate_target
from predictor.targets.figures import TargetEvaluation
from predictor.targets.grid import Grid
from predictor.targets.inputs import SeenOnGrid, inputs
from predictor.targets.linear import Line, Mean
from predictor.targets.rows import Rows, rows_of
from predictor.targets.scores import blocks_of, crps, explained, less_by, qlike
from predictor.targets.walking import Judged, walk
from predictor.training.prices import Label

type MakeCandles = Callable[..., CandleColumns]

MINUTE = 60_000


def walked(variances: Floats, seed: int = 1) -> Floats:
    """Return closes whose returns have these variances."""
    random = np.random.default_rng(seed)
    return 100 * np.exp(np.cumsum(np.sqrt(variances) * random.normal(size=len(variances))))


def clustered(size: int, seed: int = 1) -> Floats:
    """Return variances whose logarithm goes back to its mean within some hundred steps."""
    random = np.random.default_rng(seed)
    logs = np.zeros(size)
    for row in range(1, size):
        logs[row] = 0.99 * logs[row - 1] + 0.2 * random.normal()
    return np.exp(logs) * 1e-7


def evaluated(
    candles: CandleColumns, target: Target = "volatility", minutes: int = 5, label: Label = "close"
) -> tuple[TargetEvaluation, Judged | None]:
    return evaluate_target(
        Grid.of(candles, label),
        target,
        label=label,
        step_ms=MINUTE,
        horizon_ms=minutes * MINUTE,
        folds=3,
        embargo=10,
    )


def test_random_walk_of_one_variance_shows_no_skill(make_candles: MakeCandles) -> None:
    for target in ("volatility", "range"):
        figures, _ = evaluated(make_candles(walked(np.full(12_000, 1e-7))), target)
        assert figures.verdict == "no skill"
        less = figures.scores["ewma"].qlike_less
        assert less is not None
        assert -0.03 < less.share < 0.005  # to know more than there is costs a little
        assert figures.scores["ridge"].r2 == pytest.approx(0, abs=0.02)


def test_of_known_variance_the_quantiles_and_the_mean_are_the_right_ones(
    make_candles: MakeCandles,
) -> None:
    figures, judged = evaluated(make_candles(walked(np.full(30_000, 1e-7))))
    assert judged is not None
    said = judged.forecasts["ridge"]
    right = np.log(1e-7 * chi2(5).ppf(LEVELS))
    assert said.quantiles.mean(axis=0) == pytest.approx(right, abs=0.1)
    assert said.mean.mean() == pytest.approx(5e-7, rel=0.03)
    assert figures.scores["ridge"].coverage == pytest.approx(0.9, abs=0.01)
    assert figures.scores["ridge"].levels == pytest.approx(LEVELS.tolist(), abs=0.02)


def test_variance_that_clusters_is_foretold_and_its_bounds_hold(make_candles: MakeCandles) -> None:
    figures, judged = evaluated(make_candles(walked(clustered(20_000))))
    ridge, har = figures.scores["ridge"], figures.scores["har"]
    assert judged is not None
    assert ridge.r2 is not None
    assert ridge.r2 > 0.3
    assert ridge.coverage == pytest.approx(0.9, abs=0.02)
    assert ridge.qlike < figures.scores["same_hour_of_yesterday"].qlike
    assert ridge.qlike <= har.qlike * 1.01  # what the ridge knows includes the HAR's
    assert figures.scores["ridge"].qlike_less is None
    assert [fold.rows for fold in figures.folds] == pytest.approx([figures.rows / 3] * 3, abs=1)


def test_of_few_rows_the_model_says_nearly_what_the_har_says(make_candles: MakeCandles) -> None:
    _, judged = evaluated(make_candles(walked(clustered(700))), minutes=60)
    assert judged is not None
    ridge, har, ewma = (judged.forecasts[name].expected for name in ("ridge", "har", "ewma"))
    assert np.abs(ridge - har).mean() < 0.3
    assert np.isfinite(ewma).all()


def test_a_price_that_does_not_move_is_said_to(make_candles: MakeCandles) -> None:
    figures, judged = evaluated(make_candles(np.full(3_000, 100.0)))
    assert judged is None
    assert (figures.verdict, figures.scores) == ("too little data", {})
    assert figures.reason is not None
    assert figures.reason.startswith("the price did not move")


def test_a_price_that_stands_still_for_half_of_the_time_gives_numbers(
    make_candles: MakeCandles,
) -> None:
    still = np.arange(12_000) // 240 % 2 == 0
    closes = walked(np.where(still, 0.0, 1e-7))
    figures, judged = evaluated(make_candles(closes, volume=0.0))
    assert judged is not None
    assert figures.still == pytest.approx(0.5, abs=0.05)
    for scored in figures.scores.values():
        assert np.isfinite([scored.qlike, scored.crps, scored.r2, scored.coverage]).all()


@pytest.mark.parametrize("size", [2, 30, 250])
def test_few_candles_are_too_few(make_candles: MakeCandles, size: int) -> None:
    figures, _ = evaluated(make_candles(walked(np.full(size, 1e-7))))
    assert figures.verdict == "too little data"
    assert (figures.reason is None) == bool(figures.scores)


def fair(candles: CandleColumns) -> CandleColumns:
    """Return the candles with first prints, none in two of three."""
    random = np.random.default_rng(2)
    closes = candles.floats("close")
    prints = [np.where(random.random(len(closes)) < 1 / 3, closes * way, np.nan)
              for way in (1.001, 0.999)]  # fmt: skip
    return replace(candles, first_buy=prints[0], first_sell=prints[1])


def changed_after(candles: CandleColumns, row: int) -> CandleColumns:
    """Return the candles with another future from a row on, in every column."""
    later = np.arange(len(candles)) > row
    columns = {
        name: np.where(later, 1.7 * np.asarray(column, np.float64), column)
        for name in ("open", "high", "low", "close", "volume", "first_buy", "first_sell")
        if (column := getattr(candles, name)) is not None
    }
    columns["high"] = np.where(later, columns["high"] * 1.2, columns["high"])
    return replace(candles, **columns)


def knowledge(rows: Rows, until_ms: int) -> list[bytes]:
    chosen = rows.times_ms <= until_ms
    return [columns[chosen].tobytes() for columns in rows.known.values()]


@pytest.mark.parametrize("label", ["close", "fair"])
@pytest.mark.parametrize("target", ["volatility", "range"])
def test_what_comes_after_a_decision_changes_nothing_that_was_known_or_said(
    make_candles: MakeCandles, label: Label, target: Target
) -> None:
    candles = fair(make_candles(walked(clustered(4_000))))
    for row in (3_000, 3_001, 3_333):
        told, other = (
            rows_of(Grid.of(each, label), target, step_ms=MINUTE, horizon_ms=5 * MINUTE)
            for each in (candles, changed_after(candles, row))
        )
        until_ms = int(candles.close_time_ms[row])
        assert knowledge(told, until_ms) == knowledge(other, until_ms)
        one, two = walk(told, 3, embargo=10), walk(other, 3, embargo=10)
        assert one is not None
        assert two is not None
        before = told.times_ms[one.chosen] <= until_ms
        assert 900 < np.count_nonzero(before) < len(before)
        for name, said in one.forecasts.items():
            same = np.count_nonzero(before)
            assert said.mean[:same].tobytes() == two.forecasts[name].mean[:same].tobytes()
            assert said.quantiles[:same].tobytes() == two.forecasts[name].quantiles[:same].tobytes()


@pytest.mark.parametrize("label", ["close", "fair"])
def test_the_floor_is_of_what_was_known_before_the_first_row_that_is_judged(
    make_candles: MakeCandles, label: Label
) -> None:
    candles = fair(make_candles(walked(clustered(2_000))))
    told = rows_of(Grid.of(candles, label), "volatility", step_ms=MINUTE, horizon_ms=60 * MINUTE)
    first_ms = told.times_ms[len(told) // 2]
    last = int(np.flatnonzero(candles.close_time_ms == first_ms)[0])
    other = rows_of(
        Grid.of(changed_after(candles, last), label), "volatility",
        step_ms=MINUTE, horizon_ms=60 * MINUTE,
    )  # fmt: skip
    assert told.floor == other.floor


@pytest.mark.parametrize("label", ["close", "fair"])
def test_a_look_ahead_that_is_planted_is_found_so(make_candles: MakeCandles, label: Label) -> None:
    candles = fair(make_candles(walked(clustered(4_000))))
    row = 3_000
    grids = [Grid.of(each, label) for each in (candles, changed_after(candles, row))]
    ahead = [
        rows_of(replace(grid, known=np.minimum(grid.known + 3, len(grid))), "volatility",
                step_ms=MINUTE, horizon_ms=5 * MINUTE) for grid in grids
    ]  # fmt: skip
    until_ms = int(candles.close_time_ms[row])
    assert knowledge(ahead[0], until_ms) != knowledge(ahead[1], until_ms)


@pytest.mark.parametrize("label", ["close", "fair"])
def test_inputs_of_a_beginning_are_those_of_the_whole(
    make_candles: MakeCandles, label: Label
) -> None:
    candles = fair(make_candles(walked(clustered(4_000))))
    whole, part = Grid.of(candles, label), Grid.of(candles.rows(slice(0, 2_500)), label)
    rows = np.arange(0, 2_500, 7)
    of_whole = inputs(SeenOnGrid(whole, rows), 5, 0, 1e-9)
    for name, column in inputs(SeenOnGrid(part, rows), 5, 0, 1e-9).items():
        assert column.tobytes() == of_whole[name].tobytes(), name


def test_a_late_start_judges_a_later_stretch(make_candles: MakeCandles) -> None:
    grid = Grid.of(make_candles(walked(clustered(2_000))), "close")
    prompt, late = (
        rows_of(grid, "volatility", step_ms=MINUTE, horizon_ms=5 * MINUTE, latency_ms=ms)
        for ms in (0, 90_000)  # one and a half closes are two
    )
    assert late.came[:100].tolist() == prompt.came[2:102].tolist()
    assert (late.ends_ms[:100] == prompt.ends_ms[2:102]).all()


def test_quantiles_learn_of_an_outcome_once_it_is_known_and_not_before() -> None:
    random = np.random.default_rng(1)
    residuals, before = random.normal(size=200), random.normal(size=500)
    times = np.arange(200) * 10
    ends = times + 50
    told = tracked(Tracker.begun(before, 5), residuals, times, ends)
    residuals[100] += 1_000.0
    other = tracked(Tracker.begun(before, 5), residuals, times, ends)
    changed = np.flatnonzero((told != other).any(axis=1))
    assert changed[0] == 105
    assert (np.diff(told, axis=1) >= 0).all()


def test_quantiles_follow_residuals_that_change() -> None:
    random = np.random.default_rng(1)
    residuals = np.append(random.normal(size=5_000), 3 + 2 * random.normal(size=5_000))
    times = np.arange(10_000)
    said = tracked(Tracker.begun(random.normal(size=500), 1), residuals, times, times + 1)
    late = slice(6_000, None)
    below = (residuals[late, None] <= said[late]).mean(axis=0)
    assert below == pytest.approx(LEVELS.tolist(), abs=0.03)


def test_scores_are_what_they_are_defined_to_be() -> None:
    assert qlike(np.array([2.0]), np.array([2.0])).tolist() == [0.0]
    assert qlike(np.array([2.0]), np.array([1.0]))[0] == pytest.approx(1 - np.log(2))
    # Of a standard normal at 0: 2 pdf(0) - 1 / sqrt(pi) (Gneiting and Raftery 2007, eq. 21).
    said = np.tile(norm.ppf(LEVELS), (1, 1))
    exact = 2 * norm.pdf(0) - 1 / np.sqrt(np.pi)
    assert crps(np.array([0.0]), said)[0] == pytest.approx(exact, rel=0.1)
    assert explained(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 1.0
    assert explained(np.ones(2), np.ones(2)) is None


def test_an_advantage_has_bounds_that_hold_it_and_few_blocks_have_none() -> None:
    random = np.random.default_rng(1)
    losses, noise = random.random(5_000), random.random(5_000)
    times = MINUTE * np.arange(5_000)
    blocks = blocks_of(times, 5 * MINUTE)
    share, low, high = less_by(losses * 0.9, losses, blocks)
    assert (share, low, high) == pytest.approx((0.1, 0.1, 0.1))
    share, low, high = less_by(losses, noise, blocks)
    assert low is not None
    assert high is not None
    assert low < 0 < high
    assert less_by(losses, noise, blocks_of(times, 1_000 * MINUTE))[1:] == (None, None)


def test_a_line_is_found_and_a_column_that_says_nothing_has_no_say() -> None:
    random = np.random.default_rng(1)
    columns = random.normal(size=(2_000, 3))
    columns[:, 1] = 7.0
    target = 2 + 3 * columns[:, 0]
    columns[::10, 2] = np.nan
    line = Line.fitted(columns, target)
    assert line.expected(columns) == pytest.approx(target, abs=0.2)
    assert line.weights[1] == 0.0
    held = Line.fitted(columns, target, overlap=1_000)  # two horizons are no reason to believe it
    assert np.abs(held.expected(columns) - target.mean()).max() < 2.5


def test_the_mean_of_an_exponential_is_that_of_the_smearing_factor() -> None:
    random = np.random.default_rng(1)
    expected = random.normal(-14, 1, 20_000)
    came = np.exp(expected + 0.5 * random.normal(size=20_000))
    mean = Mean.fitted(expected, came)
    assert mean.slope == pytest.approx(1, abs=0.02)
    assert mean.of(expected).mean() == pytest.approx(came.mean(), rel=0.02)
    assert mean.of(np.array([-14.0]))[0] == pytest.approx(np.exp(-14 + 0.125), rel=0.03)
