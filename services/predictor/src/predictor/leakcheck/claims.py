"""A recipe as it is often published beside the honest one, and what each of its faults adds.

A fault is something that makes accuracy look higher without anything being foretold. All
combinations are scored on the same closes, so that the difference can be shared out among the
faults: each has what it adds on average, over all orders in which they could come (Shapley 1953).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from typing import Literal, NamedTuple

import numpy as np

from marketstream.columns import FeatureTable, Flags, Floats, PriceSeries, Times
from marketstream.skill import FEWEST_EFFECTIVE
from marketstream.uncertainty import HORIZONS_PER_BLOCK, credit, effective_size, wilson
from predictor.models import LEARNERS
from predictor.settings import PredictorSettings
from predictor.training.dataset import Dataset, labelled
from predictor.training.prices import Label, label_prices, on_grid
from predictor.validation.splits import walk_forward

type Fault = Literal["last price", "smoothed labels", "shuffled split", "scaler on all"]

FAULTS: tuple[Fault, ...] = ("last price", "smoothed labels", "shuffled split", "scaler on all")
HONEST: frozenset[Fault] = frozenset()
TOO_FEW_MOVES = "too few moves to tell"

type Told = Callable[[int, int], None]


class Figure(NamedTuple):
    """A share of right directions with its 95 % bounds, at so many independent rows."""

    accuracy: float
    low: float
    high: float
    rows: int
    effective: float


@dataclass(frozen=True, slots=True)
class Scored:
    """How good a recipe with some faults looks by its own labels, and is by the honest ones."""

    faults: frozenset[Fault]
    claimed: Figure
    honest: Figure


@dataclass(frozen=True, slots=True)
class Audit:
    """All combinations of the faults that apply, what each of them adds, and why others do not."""

    recipes: dict[frozenset[Fault], Scored]
    shares: dict[Fault, float]
    skipped: dict[Fault, str]

    @property
    def honest(self) -> Scored:
        """The recipe without a fault."""
        return self.recipes[HONEST]

    @property
    def claim(self) -> Scored:
        """The recipe with all of them."""
        return self.recipes[frozenset(self.shares)]


class _Rows(NamedTuple):
    """The closes at which all labels are known, and which of them are judged."""

    data: Dataset
    returns: dict[frozenset[Fault], Floats]  # by what is wrong with the label
    judged: Flags


def audit_claim(
    table: FeatureTable,
    prices: PriceSeries,
    horizon_ms: int,
    settings: PredictorSettings,
    *,
    label: Label,
    latency_ms: int = 0,
    faults: Sequence[Fault] = FAULTS,
    told: Told | None = None,
) -> Audit | None:
    """Score the configured learner with every combination of faults; None where moves are too few.

    `label` is the honest one; every label begins `latency_ms` after its decision. A fault whose
    recipes find too few moves to learn from is left out. The learner stands alone, with no
    reference to correct and nothing to calibrate, as those do that are published.
    """
    skipped = _not_there(prices, horizon_ms, label)
    applied = [fault for fault in FAULTS if fault in faults and fault not in skipped]
    rows = _rows(table, prices, horizon_ms, settings, label, latency_ms, applied)
    if rows is None:
        return None
    recipes: dict[frozenset[Fault], Scored] = {}
    while (few := _fill(recipes, rows, applied, settings, told)) is not None:
        if not few:
            return None
        applied.remove(few[-1])
        skipped[few[-1]] = TOO_FEW_MOVES
        recipes = {each: scored for each, scored in recipes.items() if few[-1] not in each}
    shares = {fault: _share(fault, applied, recipes) for fault in applied}
    return Audit(recipes, shares, {fault: skipped[fault] for fault in faults if fault in skipped})


def _fill(
    recipes: dict[frozenset[Fault], Scored],
    rows: _Rows,
    applied: Sequence[Fault],
    settings: PredictorSettings,
    told: Told | None,
) -> tuple[Fault, ...] | None:
    """Score what is not scored yet; return the first that has too few moves, the smallest first."""
    sets = [each for size in range(len(applied) + 1) for each in combinations(applied, size)]
    for done, each in enumerate(sets, 1):
        scored = recipes.get(frozenset(each)) or _scored(rows, frozenset(each), settings)
        if scored is None:
            return each
        recipes[frozenset(each)] = scored
        if told is not None:
            told(done, len(sets))
    return None


def _not_there(prices: PriceSeries, horizon_ms: int, label: Label) -> dict[Fault, str]:
    """Return the faults that would change nothing, and why."""
    found: dict[Fault, str] = {}
    if label == "close":
        found["last price"] = "these data have no other price than the last trade's"
    if horizon_ms <= prices.base_ms:
        found["smoothed labels"] = "the horizon is one close: there is nothing to average"
    return found


def _rows(
    table: FeatureTable,
    prices: PriceSeries,
    horizon_ms: int,
    settings: PredictorSettings,
    label: Label,
    latency_ms: int,
    faults: Sequence[Fault],
) -> _Rows | None:
    names = tuple(settings.features)
    table = replace(table, names=names, values=table.columns(names))

    def told_of(label: Label) -> Dataset:
        return labelled(table, prices, horizon_ms=horizon_ms, latency_ms=latency_ms, label=label)

    honest = told_of(label)
    closes: dict[bool, Label] = {False: label, True: "close"}
    returns = {}
    for last in {False, "last price" in faults}:
        series = label_prices(prices, closes[last])
        wrong: frozenset[Fault] = frozenset({"last price"} if last else ())
        data = told_of(closes[last])
        returns[wrong] = _at(data.times_ms, data.returns, honest.times_ms)
        if "smoothed labels" in faults:
            smoothed = _smoothed(honest.times_ms, series, prices, horizon_ms, latency_ms)
            returns[wrong | {"smoothed labels"}] = smoothed
    known = np.isfinite(np.stack(list(returns.values()))).all(axis=0)
    data = honest.take(known)
    returns = {wrong: each[known] for wrong, each in returns.items()}
    training = settings.training
    folds = walk_forward(data, training.folds, embargo=training.embargo)
    if not folds:
        return None
    judged = np.any(np.stack([fold.test for fold in folds]), axis=0)
    few = np.count_nonzero(data.moved & judged) < FEWEST_EFFECTIVE
    return None if few else _Rows(data, returns, judged)


def _at(times_ms: Times, values: Floats, wanted_ms: Times) -> Floats:
    """Return values at times, NaN where there are none."""
    found = np.full(len(wanted_ms), np.nan)
    there = np.isin(wanted_ms, times_ms)
    found[there] = values[np.searchsorted(times_ms, wanted_ms[there])]
    return found


def _smoothed(
    times_ms: Times, series: Floats, prices: PriceSeries, horizon_ms: int, latency_ms: int
) -> Floats:
    """Return log(mean price of the horizon after / mean price of the horizon before) a decision.

    As in Zhang, Zohren and Roberts 2019 (DeepLOB, eq. 4): the mean before ends at the decision, so
    that half of the label is known by then; the one after begins when the latency has passed. NaN
    where a price of either mean is missing.
    """
    closes = horizon_ms // prices.base_ms
    late_ms = on_grid(latency_ms, prices.base_ms)
    at = np.searchsorted(prices.close_time_ms, times_ms)
    start = at + late_ms // prices.base_ms
    before, after = at - closes, start + closes
    inside = (before >= 0) & (after < len(series))
    at, start, before, after = at[inside], start[inside], before[inside], after[inside]
    whole = prices.close_time_ms[after] - prices.close_time_ms[before] == 2 * horizon_ms + late_ms
    whole &= prices.close_time_ms[at] == times_ms[inside]
    known = np.isfinite(series)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, series, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    for first, last in ((before, at), (start, after)):
        whole &= counts[last + 1] - counts[first + 1] == closes
    change = np.log((sums[after + 1] - sums[start + 1]) / (sums[at + 1] - sums[before + 1]))
    found = np.full(len(times_ms), np.nan)
    # Means of the same prices differ by rounding where they were summed apart.
    found[inside] = np.where(whole, np.where(np.abs(change) < 1e-12, 0.0, change), np.nan)
    return found


def _scored(rows: _Rows, faults: frozenset[Fault], settings: PredictorSettings) -> Scored | None:
    """Fit and ask as a recipe with these faults does; None where too few of its rows moved."""
    data = rows.data
    returns = rows.returns[faults & {"last price", "smoothed labels"}]
    every = _scale(data.values) if "scaler on all" in faults else None
    up = np.full(len(data), 0.5)
    for train, test in _splits(data, settings, shuffled="shuffled split" in faults):
        learnt = train & (returns != 0)
        if np.count_nonzero(learnt) < settings.training.fewest_moved:
            return None
        scale = every or _scale(data.values[train])
        p_up = _fitted(settings, _scaled(data.values[learnt], scale), returns[learnt] > 0)
        up[test] = p_up(_scaled(data.values[test], scale))
    claimed = _figure(up, returns, rows)
    honest = _figure(up, rows.returns[HONEST], rows)
    return None if claimed is None or honest is None else Scored(faults, claimed, honest)


def _splits(
    data: Dataset, settings: PredictorSettings, *, shuffled: bool
) -> list[tuple[Flags, Flags]]:
    """Return rows to learn from and to ask; shuffled ones lie among each other in time."""
    training = settings.training
    if not shuffled:
        folds = walk_forward(data, training.folds, embargo=training.embargo)
        return [(fold.train, fold.test) for fold in folds]
    number = np.random.default_rng(0).permutation(len(data)) % max(2, training.folds)
    return [(number != fold, number == fold) for fold in range(max(2, training.folds))]


def _fitted(settings: PredictorSettings, values: Floats, up: Flags) -> Callable[[Floats], Floats]:
    """Return what was learnt; a logistic regression takes columns as they were scaled."""
    name = settings.model.type
    if up.all() or not up.any():  # no learner is asked to tell one side from the other
        return lambda rows: np.full(len(rows), float(up.all()))
    if name != "logistic":
        return LEARNERS[name](values, up, settings.model.hyperparameters).probability
    from sklearn.linear_model import LogisticRegression

    chosen = LogisticRegression(max_iter=200).fit(values, up)
    return lambda rows: np.asarray(chosen.predict_proba(rows)[:, 1], np.float64)


def _scale(values: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore"):
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        deviation = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
    return mean, np.where(deviation > 0, deviation, 1.0)


def _scaled(values: Floats, scale: tuple[Floats, Floats]) -> Floats:
    return np.nan_to_num((values - scale[0]) / scale[1])


def _figure(up: Floats, returns: Floats, rows: _Rows) -> Figure | None:
    counted = rows.judged & (returns != 0)
    if not counted.any():
        return None
    hits = credit(np.sign(up[counted] - 0.5), np.sign(returns[counted]))
    blocks = rows.data.times_ms[counted] // (HORIZONS_PER_BLOCK * rows.data.horizon_ms)
    effective = effective_size(hits, blocks)
    accuracy = float(hits.mean())
    return Figure(accuracy, *wilson(accuracy, effective), len(hits), effective)


def _share(
    fault: Fault, applied: Sequence[Fault], recipes: dict[frozenset[Fault], Scored]
) -> float:
    """Return what a fault adds to the claimed accuracy, averaged over all orders."""
    others = [each for each in applied if each != fault]
    count, share = len(applied), 0.0
    for size in range(len(others) + 1):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for each in combinations(others, size):
            before = recipes[frozenset(each)].claimed.accuracy
            share += weight * (recipes[frozenset({*each, fault})].claimed.accuracy - before)
    return share
