"""What a published vector and one computed anew have to say to be equal."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from marketstream.columns import FeatureTable
from marketstream.messages import Features
from technical_indicators.recomputing import compare, deviations, undisturbed

VECTORS = [
    Features("binance:BTC/USDT", "1s", close, {"a": 2.0, "b": None, "leader": 1.0}, 1, 2, 1.5, "v")
    for close in (1_000, 2_000, 3_000)
]
TABLE = FeatureTable.of(VECTORS)
SURE = np.ones((3, 1), np.bool_)


def test_vectors_that_are_the_same_are_equal() -> None:
    assert compare(TABLE, VECTORS, SURE) == (3, 0, [], 0.0)


@pytest.mark.parametrize(
    ("values", "feature", "deviation"),
    [
        ({"a": 2.0 + 4e-9}, "a", pytest.approx(2e-9)),
        ({"a": None}, "a", 1.0),
        ({"b": 0.0}, "b", 1.0),
    ],
)
def test_one_that_is_not_the_same_is_named_with_the_feature_that_differs_most(
    values: dict[str, float | None], feature: str, deviation: float
) -> None:
    changed = replace(VECTORS[1], values=VECTORS[1].values | values)
    found = compare(TABLE, [VECTORS[0], changed], SURE)
    (difference,) = found.differing
    assert (found.equal, found.undecided) == (1, 0)
    assert (difference.close_time_ms, difference.feature) == (2_000, feature)
    assert difference.published == changed.values[feature]
    assert difference.deviation == found.largest == deviation


def test_one_that_differs_by_less_than_the_agreement_is_equal() -> None:
    changed = replace(VECTORS[1], values=VECTORS[1].values | {"a": 2.0 + 1e-9})
    found = compare(TABLE, [changed], SURE)
    assert (found.equal, found.differing) == (1, [])
    assert found.largest == pytest.approx(5e-10)


def test_what_comes_of_sums_of_prices_may_differ_by_a_share_of_the_price() -> None:
    at_55_000 = [replace(each, close=55_000.0) for each in VECTORS]
    table = FeatureTable.of(at_55_000)
    rounded = replace(at_55_000[1], values=VECTORS[1].values | {"a": 2.0 + 4e-9})
    assert compare(table, [rounded], SURE).differing
    assert compare(table, [rounded], SURE, (), ("a",)).differing == []
    wrong = replace(at_55_000[1], values=VECTORS[1].values | {"a": 2.0 + 1e-4})
    assert compare(table, [wrong], SURE, (), ("a",)).differing


def test_one_that_need_not_be_the_same_is_undecided_where_it_differs_and_equal_where_not() -> None:
    changed = replace(VECTORS[1], values=VECTORS[1].values | {"a": 3.0})
    unsure = np.array([[False], [False], [True]])
    assert compare(TABLE, [VECTORS[0], changed, VECTORS[2]], unsure) == (2, 1, [], 0.0)


def test_each_feature_is_judged_for_itself() -> None:
    of_a = np.array([[True, False, False]] * 3)
    both = replace(VECTORS[0], values=VECTORS[0].values | {"a": 2.5, "leader": 9.0})
    found = compare(TABLE, [both], of_a)
    (difference,) = found.differing
    assert (difference.feature, difference.deviation) == ("a", pytest.approx(0.2))
    assert (found.equal, found.undecided, found.largest) == (0, 0, pytest.approx(0.2))
    other = replace(VECTORS[1], values=VECTORS[1].values | {"leader": 9.0})
    assert compare(TABLE, [other, VECTORS[2]], of_a) == (1, 1, [], 0.0)


def test_one_whose_candle_is_not_there_is_undecided() -> None:
    later = replace(VECTORS[0], close_time_ms=9_000)
    assert compare(TABLE, [later], SURE) == (0, 1, (), None)
    assert compare(TABLE, [later, VECTORS[0]], SURE) == (1, 1, [], 0.0)


def test_of_a_leader_that_came_too_late_a_vector_may_know_nothing_and_nothing_else() -> None:
    unheard = replace(VECTORS[0], values=VECTORS[0].values | {"leader": None})
    assert compare(TABLE, [unheard], SURE, ["leader"]).equal == 1
    assert len(compare(TABLE, [unheard], SURE).differing) == 1
    other = replace(VECTORS[0], values=VECTORS[0].values | {"leader": 7.0})
    assert len(compare(TABLE, [other], SURE, ["leader"]).differing) == 1


def test_a_deviation_is_a_share_of_the_larger_number_and_absolute_below_one() -> None:
    nan, inf = np.nan, np.inf
    one = np.array([200.0, 0.25, nan, nan, 1.0, inf, inf])
    other = np.array([100.0, 0.5, nan, 1.0, nan, inf, 1.0])
    assert deviations(one, other).tolist() == [0.5, 0.25, 0.0, 1.0, 1.0, 0.0, 1.0]


def test_a_close_is_sure_once_what_it_looks_back_on_was_never_disturbed() -> None:
    closes = np.arange(1_000, 7_000, 1_000)
    assert undisturbed(closes, [], 2_000).all()
    sure = undisturbed(closes, [3_000], 2_000)
    assert sure.tolist() == [True, True, False, False, True, True]
