"""Candles from whole columns: the same as the streaming aggregator's, whatever the trades."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from candles.aggregation import CandleAggregator
from candles.columnar import fold
from candles.klines import kline_arrays
from marketstream.columns import CandleColumns, to_floats
from marketstream.errors import InputError
from marketstream.messages import Candle, Trade, Trades
from marketstream.readers import TradeTable

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000  # a whole second, in the middle of a minute
PRICE_DECIMALS, QUANTITY_DECIMALS = 2, 3

type Row = tuple[int, int, int, int, int, int]
"""Time after the start in µs, price and quantity in units, taker, count and id."""


def table(rows: list[Row], *, with_ids: bool = True) -> TradeTable:
    time_us, price, quantity, taker, count, ids = np.array(rows, np.int64).reshape(-1, 6).T
    return TradeTable(
        time_us + START_US,
        price,
        quantity,
        taker.astype(np.int8),
        count,
        ids if with_ids else None,
        PRICE_DECIMALS,
        QUANTITY_DECIMALS,
    )


def streamed(rows: list[Row], timeframe: str) -> list[Candle]:
    """Fold one message a trade, and close the last interval."""
    aggregator = CandleAggregator(MARKET, [timeframe], leaps=True)
    candles: list[Candle] = []
    for after_us, price, quantity, taker, count, number in rows:
        trade = Trade(
            number,
            price / 10**PRICE_DECIMALS,
            quantity / 10**QUANTITY_DECIMALS,
            "buy" if taker > 0 else "sell",
            START_US + after_us,
            count,
        )
        seen_us = START_US + after_us
        candles += aggregator.update(
            Trades(MARKET, (trade,), None, seen_us, PRICE_DECIMALS, QUANTITY_DECIMALS)
        )
    end_us = START_US + rows[-1][0] + 10**9
    return candles + aggregator.update(Trades(MARKET, (), None, end_us, proven_until_us=end_us))


def as_candles(columns: CandleColumns, timeframe: str) -> list[Candle]:
    arrays = {name: column.tolist() for name, column in kline_arrays(columns).items()}
    assert columns.first_trade_id is not None
    assert columns.last_trade_id is not None
    first, last = columns.first_trade_id.tolist(), columns.last_trade_id.tolist()
    return [
        Candle(
            market=MARKET,
            timeframe=timeframe,
            open_time_ms=arrays["open_time"][row],
            close_time_ms=arrays["close_time"][row] + 1,
            open=arrays["open"][row],
            high=arrays["high"][row],
            low=arrays["low"][row],
            close=arrays["close"][row],
            volume=arrays["volume"][row],
            quote_volume=arrays["quote_volume"][row],
            trade_count=arrays["count"][row],
            taker_buy_volume=arrays["taker_buy_volume"][row],
            taker_buy_quote_volume=arrays["taker_buy_quote_volume"][row],
            first_trade_id=None if first[row] < 0 else first[row],
            last_trade_id=None if last[row] < 0 else last[row],
            complete=bool(columns.complete[row]),
        )
        for row in range(len(columns))
    ]


def essence(candle: Candle) -> tuple[object, ...]:
    """What both ways say: all but the book and who came first."""
    return (
        candle.open_time_ms, candle.close_time_ms, candle.open, candle.high, candle.low,
        candle.close, candle.volume, candle.quote_volume, candle.trade_count,
        candle.taker_buy_volume, candle.taker_buy_quote_volume, candle.first_trade_id,
        candle.last_trade_id, candle.complete is True,
    )  # fmt: skip


@st.composite
def rows_in_order(draw: st.DrawFn) -> list[Row]:
    steps = draw(
        st.lists(
            st.tuples(
                st.integers(0, 900_000) | st.integers(0, 4_000_000) | st.just(0),
                st.integers(1, 10**9),
                st.integers(1, 10**12) | st.integers(1, 10),
                st.sampled_from([1, -1]),
                st.integers(1, 3),
                st.sampled_from([0, 0, 0, 0, 1, 7]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    rows: list[Row] = []
    after_us, number = 0, draw(st.integers(0, 10**12))
    for step_us, price, quantity, taker, count, missing in steps:
        after_us += step_us
        number += missing + count
        rows.append((after_us, price, quantity, taker, count, number))
    return rows


@given(rows_in_order(), st.sampled_from(["250ms", "1s", "5s", "1m"]))
def test_columns_and_stream_make_the_same_candles(rows: list[Row], timeframe: str) -> None:
    columns = as_candles(fold(table(rows), timeframe, consecutive_ids=True), timeframe)
    stream = streamed(rows, timeframe)[: len(columns)]
    assert [essence(c) for c in columns[:-1]] == [essence(c) for c in stream[:-1]]
    assert essence(columns[-1])[:-1] == essence(stream[-1])[:-1]
    assert not columns[0].complete
    assert not columns[-1].complete


@given(rows_in_order(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows: list[Row], random: Random) -> None:
    expected = fold(table(rows), "1s", consecutive_ids=True)
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = fold(table(shuffled), "1s", consecutive_ids=True)
    assert as_candles(found, "1s") == as_candles(expected, "1s")


@given(rows_in_order())
def test_candles_keep_their_bounds_and_add_up(rows: list[Row]) -> None:
    candles = fold(table(rows), "1s", consecutive_ids=True)
    assert np.all(candles.low <= np.minimum(candles.open, candles.close))
    assert np.all(candles.high >= np.maximum(candles.open, candles.close))
    assert sum(candles.volume.tolist()) == sum(row[2] for row in rows)
    assert sum(candles.quote_volume.tolist()) == sum(row[1] * row[2] for row in rows)
    assert sum(candles.trade_count.tolist()) == sum(row[4] for row in rows)


@given(rows_in_order())
def test_coarse_candles_are_the_fine_ones_put_together(rows: list[Row]) -> None:
    fine = as_candles(fold(table(rows), "1s", consecutive_ids=True), "1s")
    coarse = as_candles(fold(table(rows), "5s", consecutive_ids=True), "5s")
    for candle in coarse:
        inside = [c for c in fine if candle.open_time_ms <= c.open_time_ms < candle.close_time_ms]
        traded = [c for c in inside if c.trade_count]
        assert candle.trade_count == sum(c.trade_count for c in inside)
        if traded:
            assert (candle.open, candle.close) == (traded[0].open, traded[-1].close)
            assert candle.high == max(c.high for c in traded)
            assert candle.low == min(c.low for c in traded)
            assert candle.first_trade_id == traded[0].first_trade_id
            assert candle.last_trade_id == traded[-1].last_trade_id
        if candle not in (coarse[0], coarse[-1]):
            assert candle.complete == all(c.complete for c in inside)


def test_an_id_missing_between_two_candles_makes_both_and_those_between_incomplete() -> None:
    rows: list[Row] = [
        (second * 1_000_000, 100, 1, 1, 1, number)
        for second, number in [(0, 1), (1, 2), (4, 4), (5, 5), (6, 6)]
    ]
    candles = fold(table(rows), "1s", consecutive_ids=True)
    assert candles.complete.tolist() == [False, False, False, False, False, True, False]
    blind = fold(table(rows), "1s", consecutive_ids=False)
    assert blind.complete.tolist() == [False, True, True, True, True, True, False]


def test_an_aggregate_covers_the_ids_of_its_fills() -> None:
    rows: list[Row] = [
        (0, 100, 1, 1, 1, 1),
        (1_000_000, 100, 1, 1, 3, 4),
        (2_000_000, 100, 1, 1, 1, 5),
    ]
    candles = fold(table(rows), "1s", consecutive_ids=True)
    assert candles.complete.tolist() == [False, True, False]
    assert candles.first_trade_id is not None
    assert candles.first_trade_id.tolist() == [1, 2, 5]
    assert candles.trade_count.tolist() == [1, 3, 1]


def test_ids_out_of_step_with_time_are_not_missing() -> None:
    rows: list[Row] = [
        (0, 100, 1, 1, 1, 1), (1_000_000, 100, 1, 1, 1, 3), (2_000_000, 100, 1, 1, 1, 2),
        (3_000_000, 100, 1, 1, 1, 4),
    ]  # fmt: skip
    assert fold(table(rows), "1s", consecutive_ids=True).complete.tolist() == [
        False, True, True, False,
    ]  # fmt: skip


def test_empty_intervals_are_flat_or_left_out() -> None:
    rows: list[Row] = [(0, 100, 1, 1, 1, 1), (2_000_000, 107, 1, 1, 1, 2)]
    filled = fold(table(rows), "1s", consecutive_ids=True)
    assert filled.close.tolist() == [100, 100, 107]
    assert (filled.open[1], filled.high[1], filled.low[1]) == (100, 100, 100)
    assert (filled.volume[1], filled.trade_count[1], bool(filled.complete[1])) == (0, 0, True)
    left_out = fold(table(rows), "1s", consecutive_ids=True, fill=False)
    assert np.diff(left_out.open_time_ms).tolist() == [2_000]


def test_a_wrong_time_does_not_fill_the_memory() -> None:
    rows: list[Row] = [(0, 100, 1, 1, 1, 1), (10**15, 100, 1, 1, 1, 2)]
    with pytest.raises(InputError, match="--no-fill"):
        fold(table(rows), "1s", consecutive_ids=True)
    assert len(fold(table(rows), "1s", consecutive_ids=True, fill=False)) == 2


def test_sums_beyond_64_bits_are_exact() -> None:
    large = 3 * 10**18
    rows: list[Row] = [(index, large, large + index, 1, 1, index) for index in range(7)]
    candles = fold(table(rows), "1s", consecutive_ids=True)
    assert candles.volume.tolist() == [7 * large + 21]
    assert candles.quote_volume.tolist() == [large * (7 * large + 21)]
    assert candles.taker_buy_quote_volume.tolist() == candles.quote_volume.tolist()


def test_no_trades_make_no_candles() -> None:
    assert len(fold(table([]), "1s", consecutive_ids=True)) == 0


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1), st.integers(0, 30))
def test_floats_are_the_nearest(units: list[int], decimals: int) -> None:
    floats = to_floats(np.array(units, np.int64), decimals).tolist()
    assert floats == [float(Fraction(value, 10**decimals)) for value in units]


def test_trades_without_ids_count_line_by_line() -> None:
    rows: list[Row] = [(0, 100, 5, 0, 1, 0), (0, 101, 5, 1, 1, 0), (0, 100, 5, 0, 1, 0)]
    candles = fold(table(rows, with_ids=False), "1s", consecutive_ids=False)
    assert (candles.open[0], candles.close[0], candles.volume[0]) == (100, 100, 15)
    assert candles.taker_buy_volume[0] == 5
    assert candles.first_trade_id is None


def test_intervals_follow_each_other() -> None:
    rows: list[Row] = [(0, 100, 1, 1, 1, 1), (7_300_000, 100, 1, 1, 1, 2)]
    candles = fold(table(rows), "250ms", consecutive_ids=True)
    assert all(b - a == 250 for a, b in pairwise(candles.open_time_ms.tolist()))
    assert np.all(candles.close_time_ms - candles.open_time_ms == 250)
