"""Pictures are SVG, small, the same for the same figures, and there whatever the rows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from predictor.settings import PredictorSettings
from predictor.validation.evaluation import evaluate
from predictor.validation.importance import Importance
from predictor.validation.plots import Judged, pictures, together

type MakeMarket = Callable[..., Any]
type MakeSettings = Callable[..., PredictorSettings]


@pytest.fixture(scope="module")
def judged(make_market: MakeMarket, make_settings: MakeSettings) -> Judged:
    market = make_market(1_000)
    evaluation, rows = evaluate(
        market.table, market.prices, 1_000, make_settings(folds=2), cost_bps=0.5
    )
    assert rows is not None
    weights = [Importance("imbalance", 0.2, 1.0), Importance("noise_1", -0.001, 0.1)]
    return Judged(evaluation, rows, weights)


def texts(svg: bytes) -> set[str]:
    nodes = ElementTree.fromstring(svg).iter()
    return {node.text for node in nodes if node.text and node.tag.endswith("text")}


def test_each_picture_is_a_small_svg_that_says_what_it_shows(judged: Judged) -> None:
    drawn = pictures(judged)
    assert list(drawn) == [
        "calibration.svg", "coverage.svg", "over_time.svg", "money.svg", "importance.svg",
    ]  # fmt: skip
    assert max(map(len, drawn.values())) < 60_000
    assert "said: probability of up" in texts(drawn["calibration.svg"])
    assert "Gross and net, 0.5 bp of cost" in texts(drawn["money.svg"])
    assert {"imbalance", "noise_1"} <= texts(drawn["importance.svg"])
    assert "Accuracy per 1 min, UTC" in texts(drawn["over_time.svg"])


def test_the_same_figures_make_the_same_bytes(judged: Judged) -> None:
    assert together(judged) == together(judged)
    assert pictures(judged) == pictures(judged)


def test_several_days_have_a_bar_each(judged: Judged) -> None:
    times = judged.rows.times_ms
    spread = 86_400_000 * np.linspace(0, 5.9, len(times)).astype(np.int64) + times % 1_000
    days = replace(judged, rows=replace(judged.rows, times_ms=np.sort(spread)))
    said = texts(pictures(days)["over_time.svg"])
    assert "Accuracy per day, UTC" in said
    assert {"01-01", "01-06"} <= said


def test_without_importance_or_anything_that_moved_there_is_less_to_draw(judged: Judged) -> None:
    assert "importance.svg" not in pictures(replace(judged, importance=()))
    still = replace(judged.rows, returns=np.zeros(len(judged.rows)))
    assert pictures(replace(judged, rows=still)) == {}
    assert together(replace(judged, rows=still)).startswith(b"<?xml")


def test_one_row_that_moved_is_enough(judged: Judged) -> None:
    returns = np.zeros(len(judged.rows))
    returns[7] = 1e-4
    lonely = replace(judged, rows=replace(judged.rows, returns=returns))
    assert len(pictures(lonely)) == 5
