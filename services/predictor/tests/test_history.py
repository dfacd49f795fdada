from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketstream.columns import FeatureTable
from marketstream.messages import Features
from predictor.training.history import FeatureHistory

type MakeFeatures = Callable[..., Features]


def assert_same(one: FeatureTable, other: FeatureTable) -> None:
    assert one.names == other.names
    for field in fields(one):
        if field.name != "names":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
            assert getattr(one, field.name).dtype == getattr(other, field.name).dtype


def seconds(make_features: MakeFeatures, count: int) -> list[Features]:
    """Four base closes a second, each fourth with a decision after it."""
    messages = []
    for quarter in range(1, 4 * count + 1):
        mid = None if quarter % 7 == 0 else 100.0 + quarter
        messages.append(make_features(250 * quarter, mid, "250ms", close=50.0 + quarter))
        if quarter % 4 == 0:
            messages.append(
                make_features(
                    250 * quarter,
                    mid,
                    complete=quarter % 3 > 0,
                    rsi=None if quarter < 9 else 1 / quarter,
                    flow=float(quarter),
                )
            )
    return messages


@given(count=st.integers(1, 60), most=st.integers(1, 20))
@settings(deadline=None)
def test_table_equals_that_of_the_newest_messages(
    make_features: MakeFeatures, count: int, most: int
) -> None:
    history = FeatureHistory(("rsi", "flow"), "1s", "250ms", most)
    messages = seconds(make_features, count)
    for message in messages:
        history.append(message)
    decisions = [message for message in messages if message.timeframe == "1s"]
    assert_same(history.table(), FeatureTable.of(decisions[-most:]))
    assert len(history) == min(count, most)

    prices = history.prices()
    closes = [message for message in messages if message.timeframe == "250ms"][-4 * most :]
    mids = [np.nan if message.mid is None else message.mid for message in closes]
    np.testing.assert_array_equal(prices.close_time_ms, [m.close_time_ms for m in closes])
    np.testing.assert_array_equal(prices.mid, mids)
    np.testing.assert_array_equal(prices.close, [m.close for m in closes])
    assert prices.base_ms == 250


def test_prices_reach_back_to_the_oldest_decision(make_features: MakeFeatures) -> None:
    history = FeatureHistory(("rsi", "flow"), "1s", "250ms", 5)
    for message in seconds(make_features, 23):
        history.append(message)
    assert history.prices().close_time_ms[0] <= history.table().close_time_ms[0]


def test_grows_past_its_first_room_and_then_forgets_the_oldest(
    make_features: MakeFeatures,
) -> None:
    history = FeatureHistory(("x",), "1s", "1s", 3_000)
    for second in range(1, 10_001):
        history.append(make_features(1_000 * second, 100.0, x=float(second)))
        if second in (1_024, 1_025, 2_999, 3_001, 6_000, 6_001, 10_000):
            newest = np.arange(max(1, second - 2_999), second + 1)
            np.testing.assert_array_equal(history.table().close_time_ms, 1_000 * newest)
            np.testing.assert_array_equal(history.table().values[:, 0], newest)


def test_one_timeframe_is_both_decision_and_price(make_features: MakeFeatures) -> None:
    history = FeatureHistory(("x",), "1s", "1s", 10)
    history.append(make_features(1_000, 100.0, x=1.0))
    assert len(history) == 1
    assert history.prices().mid.tolist() == [100.0]


def test_table_is_a_copy_that_later_messages_leave_alone(make_features: MakeFeatures) -> None:
    history = FeatureHistory(("x",), "1s", "1s", 2)
    history.append(make_features(1_000, 100.0, x=1.0))
    table, prices = history.table(), history.prices()
    for second in range(2, 9):
        history.append(make_features(1_000 * second, 100.0, x=9.0))
    assert table.values.tolist() == [[1.0]]
    assert prices.close_time_ms.tolist() == [1_000]


@pytest.mark.parametrize("timeframe", ["5s", "1m"])
def test_other_timeframes_leave_no_trace(make_features: MakeFeatures, timeframe: str) -> None:
    history = FeatureHistory(("x",), "1s", "250ms", 2)
    history.append(make_features(60_000, 100.0, timeframe, x=1.0))
    assert len(history) == 0
    assert len(history.prices().mid) == 0
