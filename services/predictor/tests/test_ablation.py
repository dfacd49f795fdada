"""What a family of features adds is what a market says of it, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from predictor.settings import PredictorSettings
from predictor.validation.ablation import Ablation, ablate

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]

FAMILIES = {
    "book": ("imbalance", "imbalance_mean_1s", "close_against_mid"),
    "flow": ("flow_1s", "return_1s"),
    "noise": ("noise_1", "noise_2"),
}


@pytest.fixture(scope="module")
def found(make_market: MakeMarket, make_settings: MakeSettings) -> Ablation:
    market = make_market(4_000)
    ablation = ablate(market.table, market.prices, 1_000, make_settings(folds=2), FAMILIES)
    assert ablation is not None
    return ablation


def test_a_family_that_knows_what_comes_adds_all_there_is(found: Ablation) -> None:
    book = found.families[0]
    assert (book.name, book.features) == ("book", FAMILIES["book"])
    assert 0.75 < found.accuracy < 0.85
    assert 0.45 < book.accuracy < 0.55
    assert book.points.mean == pytest.approx(found.accuracy - book.accuracy)
    assert book.gain.mean == pytest.approx(book.log_loss - found.log_loss)
    for paired in (book.points, book.gain):
        assert paired.low is not None
        assert paired.high is not None
        assert 0 < paired.low < paired.mean < paired.high


@pytest.mark.parametrize("number", [1, 2])
def test_a_family_that_knows_nothing_adds_nothing_that_is_proven(
    found: Ablation, number: int
) -> None:
    family = found.families[number]
    assert family.points.low is not None
    assert family.points.low <= 0
    assert abs(family.points.mean) < 0.01
    assert abs(family.gain.mean) < 0.01


def test_all_are_judged_on_the_same_rows(
    found: Ablation, make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(4_000)
    moved = np.diff(np.log(market.prices.mid)) != 0
    assert found.rows == np.count_nonzero(moved[-2_000:])
    settings = make_settings(folds=2)
    other = ablate(market.table, market.prices, 1_000, settings, {"book": FAMILIES["book"]})
    assert other is not None
    [alone] = other.families
    assert alone.accuracy == 0.5
    assert alone.log_loss == pytest.approx(np.log(2))


def test_latency_is_counted(make_market: MakeMarket, make_settings: MakeSettings) -> None:
    market = make_market(2_000)
    late = ablate(
        market.table, market.prices, 1_000, make_settings(folds=2), FAMILIES, latency_ms=100
    )
    assert late is not None
    assert late.latency_ms == 100
    assert late.accuracy < 0.6  # the next move is over by then


def test_of_too_few_rows_nothing_is_said(
    make_market: MakeMarket, make_settings: MakeSettings
) -> None:
    market = make_market(60)
    settings = make_settings(folds=2)
    assert ablate(market.table, market.prices, 1_000, settings, FAMILIES) is None
