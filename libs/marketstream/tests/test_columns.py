"""Candles, features and prices as columns."""

from __future__ import annotations

import numpy as np
import pytest

from marketstream.columns import (
    CANDLE_COLUMNS,
    CONTEXT_COLUMNS,
    CandleColumns,
    FeatureTable,
    PriceSeries,
)
from marketstream.messages import Candle, Context, Features, Funding, Liquidations, Reading

START_MS = 1_700_000_000_000
MARKET = "binance:BTC/USDT"


def candle(number: int, **more: float | bool | Context | None) -> Candle:
    open_time_ms = START_MS + 1_000 * number
    return Candle(
        MARKET, "1s", open_time_ms, open_time_ms + 1_000,
        open=100 + number, high=102 + number, low=99 + number, close=101.5 + number,
        volume=2.5, quote_volume=250.25, trade_count=3 + number,
        taker_buy_volume=1.5, taker_buy_quote_volume=150.125, **more,
    )  # type: ignore[arg-type] # fmt: skip


def exact(**columns: list[int]) -> CandleColumns:
    """Two candles in whole units: prices of 2 decimals, quantities of 3."""
    whole = {name: [1, 2] for name in CANDLE_COLUMNS} | columns
    open_time_ms = np.array([START_MS, START_MS + 1_000])
    return CandleColumns(
        timeframe="1s", open_time_ms=open_time_ms, close_time_ms=open_time_ms + 1_000,
        complete=np.array([True, False]), price_decimals=2, quantity_decimals=3,
        **{name: np.array(values) for name, values in whole.items()},  # type: ignore[arg-type]
    )  # fmt: skip


def test_whole_units_read_as_the_numbers_they_stand_for() -> None:
    candles = exact(close=[12_345, 10], volume=[1_500, 1], quote_volume=[1_234_567, 2])
    assert candles.floats("close").tolist() == [123.45, 0.1]
    assert candles.floats("volume").tolist() == [1.5, 0.001]
    assert candles.floats("quote_volume").tolist() == [12.34567, 0.00002]
    assert candles.floats("trade_count").tolist() == [1, 2]


def test_sums_beyond_64_bits_read_as_the_nearest_floats() -> None:
    candles = exact(quote_volume=[2**70 + 1, 10**30])
    assert candles.quote_volume.dtype == object
    assert candles.floats("quote_volume").tolist() == [(2**70 + 1) / 10**5, 1e25]


def test_floats_are_taken_as_they_are_whatever_the_decimals() -> None:
    candles = CandleColumns.of([candle(0), candle(1)], "1s")
    assert candles.floats("close") is candles.close
    assert candles.close.tolist() == [101.5, 102.5]
    assert candles.trade_count.tolist() == [3, 4]


def test_what_is_not_there_at_all_is_nan_and_so_is_its_middle() -> None:
    candles = exact()
    assert np.isnan(candles.floats("bid")).tolist() == [True, True]
    assert np.isnan(candles.mid).all()
    prices = PriceSeries.of(candles)
    assert prices.first_buy is None
    assert np.isnan(prices.mid).all()
    assert (prices.close.tolist(), prices.base_ms) == ([0.01, 0.02], 1_000)


def test_prices_of_messages_are_their_middles_and_first_prints() -> None:
    candles = CandleColumns.of(
        [candle(0, bid=101.0, ask=102.0, first_buy=101.25), candle(1, complete=False)], "1s"
    )
    prices = PriceSeries.of(candles)
    assert prices.close_time_ms.tolist() == [START_MS + 1_000, START_MS + 2_000]
    np.testing.assert_array_equal(prices.mid, [101.5, np.nan])
    np.testing.assert_array_equal(prices.first_buy, [101.25, np.nan])  # type: ignore[arg-type]
    assert candles.complete.tolist() == [True, False]


@pytest.mark.parametrize("chosen", [slice(1, None), np.array([False, True, True])])
def test_rows_are_chosen_in_every_column_and_only_there(chosen: slice) -> None:
    messages = [candle(number, bid=100.0 + number, ask=101.0 + number) for number in range(3)]
    candles, expected = (CandleColumns.of(each, "1s") for each in (messages, messages[1:]))
    found = candles.rows(chosen)
    assert (len(found), found.timeframe) == (2, "1s")
    for name in (*CANDLE_COLUMNS, "open_time_ms", "close_time_ms", "complete", "bid", "first_buy"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.first_trade_id is None
    prices = PriceSeries.of(candles).rows(chosen)
    np.testing.assert_array_equal(prices.mid, [101.5, 102.5])
    assert prices.base_ms == 1_000


def test_no_messages_are_no_rows() -> None:
    candles = CandleColumns.of([], "1s")
    assert (len(candles), len(PriceSeries.of(candles).close)) == (0, 0)
    assert len(FeatureTable.of([])) == 0


def test_features_of_messages_have_a_column_each_and_nan_for_none() -> None:
    table = FeatureTable.of([
        Features(
            MARKET, "1s", START_MS + 1_000 * number, close=100.0 + number, values=values,
            feature_set="a", bid=99.5, ask=100.5,
        )
        for number, values in enumerate([{"rsi": None, "flow": 0.5}, {"rsi": 50.0, "flow": None}])
    ])  # fmt: skip
    assert table.names == ("rsi", "flow")
    np.testing.assert_array_equal(table.values, [[np.nan, 0.5], [50, np.nan]])
    late = table.rows(table.close_time_ms > START_MS)
    assert (late.names, late.close.tolist(), late.mid.tolist()) == (table.names, [101], [100])


def test_what_is_told_of_a_perpetual_stands_in_columns_and_what_is_not_is_nan() -> None:
    whole = Context(
        9, Reading(1.5, 1), Reading(2.5, 2), Funding(-0.1, 3, 4), Reading(5.5, 5),
        Liquidations(6.5, 7.5, 6, 7),
    )  # fmt: skip
    partly = Context(9, funding=Funding(0.25, 8))
    candles = [candle(0), candle(1, context=whole), candle(2, context=partly)]
    columns = CandleColumns.of(candles, "1s").context
    assert columns is not None
    nothing = [np.nan] * len(CONTEXT_COLUMNS)
    some = dict(zip(CONTEXT_COLUMNS, nothing, strict=True)) | {
        "funding_rate": 0.25, "funding_time_us": 8.0,
    }  # fmt: skip
    every = [1.5, 1, 2.5, 2, -0.1, 3, 4, 5.5, 5, 6.5, 7.5, 6, 7]
    np.testing.assert_array_equal(columns, [nothing, every, list(some.values())])
    assert CandleColumns.of(candles[:1], "1s").context is None
