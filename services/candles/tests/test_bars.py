"""Bars by activity: what closes them, and what becomes of the trade that does."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candles.bars import fold_bars, parse_bars
from marketstream.columns import CandleColumns
from marketstream.errors import SettingsError
from marketstream.readers import TradeTable

START_US = 1_700_000_000_000_000


def table(
    quantities: list[int], *, price: int = 150, counts: list[int] | None = None
) -> TradeTable:
    """Trades a second apart; quantities in tenths, prices in hundredths."""
    rows = len(quantities)
    count = np.array(counts or [1] * rows, np.int64)
    return TradeTable(
        START_US + np.arange(rows) * 1_000_000,
        np.full(rows, price, np.int64),
        np.array(quantities, np.int64),
        np.ones(rows, np.int8),
        count,
        np.cumsum(count),
        price_decimals=2,
        quantity_decimals=1,
    )


def bars(trades: TradeTable, rule: str) -> CandleColumns:
    return fold_bars(trades, parse_bars(rule), consecutive_ids=True)


def test_a_tick_bar_closes_with_its_nth_trade() -> None:
    found = bars(table([10] * 7), "tick:3")
    assert found.trade_count.tolist() == [3, 3, 1]
    assert found.complete.tolist() == [True, True, False]
    assert (found.open_time_ms - START_US // 1_000).tolist() == [0, 3_000, 6_000]
    assert (found.close_time_ms - START_US // 1_000).tolist() == [2_001, 5_001, 6_001]


def test_an_aggregate_counts_its_fills_and_is_not_split() -> None:
    assert bars(table([1, 1, 1], counts=[1, 5, 1]), "tick:2").trade_count.tolist() == [6, 1]


def test_the_trade_that_crosses_belongs_to_the_bar_it_closes_and_nothing_is_carried_over() -> None:
    assert bars(table([6, 30, 6, 6]), "volume:1").volume.tolist() == [36, 12]


def test_a_dollar_bar_counts_price_times_quantity() -> None:
    found = bars(table([10, 10, 10]), "dollar:2.5")
    assert found.quote_volume.tolist() == [3_000, 1_500]


def test_a_threshold_finer_than_the_units_is_reached_by_the_next_whole_one() -> None:
    assert bars(table([1, 1, 1]), "volume:0.15").volume.tolist() == [2, 1]


def test_a_threshold_beyond_all_trades_makes_one_open_bar() -> None:
    found = bars(table([1, 1]), "volume:1e30")
    assert (found.volume.tolist(), found.complete.tolist()) == ([2], [False])


def test_sums_beyond_64_bits_still_close_bars() -> None:
    found = bars(table([10**17] * 4, price=10**16), "dollar:15e29")
    assert found.trade_count.tolist() == [2, 2]


def test_a_missing_id_makes_the_bars_on_both_sides_incomplete() -> None:
    trades = table([10] * 8)
    assert trades.ids is not None
    trades.ids[4:] += 1
    assert bars(trades, "tick:2").complete.tolist() == [True, False, False, False]


def test_no_trades_make_no_bars() -> None:
    assert len(bars(table([]), "tick:1")) == 0


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 120))
def test_every_bar_but_the_last_reaches_the_threshold_with_its_last_trade(
    quantities: list[int], threshold: int
) -> None:
    found = bars(table(quantities), f"volume:{Decimal(threshold) / 10}")
    assert sum(found.volume.tolist()) == sum(quantities)
    at = 0
    for volume, count in zip(found.volume.tolist(), found.trade_count.tolist(), strict=True):
        at += count
        assert volume - quantities[at - 1] < threshold
        assert volume >= threshold or at == len(quantities)


@pytest.mark.parametrize(
    "text", ["tick", "tick:", "tick:0", "tick:1.5", "volume:-1", "dollar:nan", "dollar:inf", "x:1"]
)
def test_what_are_no_bars_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(SettingsError, match="write tick:1000, volume:10 or dollar:1000000"):
        parse_bars(text)
