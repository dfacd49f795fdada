"""What a candle says of itself: which trades it holds, which it lacks, and what came late."""

from itertools import pairwise
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from candles.columnar import fold as fold_columns
from candles.klines import kline_arrays
from marketstream.messages import Candle, Side, Trade, Trades
from marketstream.readers import TradeTable

MARKET = "binance:BTC/USDT"
START_US = 1_700_006_370_000_000  # half a minute before midnight
TIMEFRAMES = ["100ms", "250ms", "1s", "5s", "1m", "5m", "1h", "1d"]


def trade(
    number: int, ms: int, price: float = 100.0, quantity: float = 1.0, count: int = 1
) -> Trade:
    return Trade(number, price, quantity, "buy", START_US + ms * 1_000, count)


def message(*trades: Trade, seen_ms: int) -> Trades:
    seen_us = START_US + seen_ms * 1_000
    return Trades(MARKET, trades, None, seen_us, 2, 3, proven_until_us=seen_us)


def watching(*timeframes: str) -> CandleAggregator:
    """Return an aggregator that has seen the market for a second, and trade 0 in it."""
    aggregator = CandleAggregator(MARKET, list(timeframes))
    aggregator.update(message(trade(0, -1_000), seen_ms=0))
    return aggregator


def certificate(candle: Candle) -> tuple[object, ...]:
    return (
        candle.trade_count, candle.expected_count, candle.complete,
        candle.filled, candle.late_count, candle.revision,
    )  # fmt: skip


def test_a_candle_with_all_its_trades_expects_as_many_as_it_has() -> None:
    (candle,) = watching("1s").update(message(trade(1, 0), trade(3, 500, count=2), seen_ms=1_000))
    assert certificate(candle) == (3, 3, True, False, 0, 0)
    assert (candle.first_trade_id, candle.last_trade_id) == (1, 3)


def test_nobody_knows_how_many_trades_there_were_before_watching_began() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    (candle,) = aggregator.update(message(trade(1, 500), seen_ms=1_000))
    assert certificate(candle) == (1, None, None, False, 0, 0)


def test_nobody_knows_which_candle_trades_belong_to_that_stand_for_a_longer_time() -> None:
    aggregator = watching("1s")
    first = aggregator.update(message(trade(1, 500), trade(2, 1_500), seen_ms=2_000))
    assert [candle.complete for candle in first] == [True, True]
    late = replace(message(trade(3, 1_950), seen_ms=2_000), spread_us=100_000)
    later = aggregator.update(late)
    later += aggregator.update(message(trade(4, 2_500), trade(5, 3_500), seen_ms=4_000))
    newest = {candle.open_time_ms: candle for candle in later}
    assert [candle.complete for candle in newest.values()] == [None, None, True]


def test_missing_ids_are_expected_in_every_candle_they_may_belong_to() -> None:
    candles = watching("1s").update(message(trade(1, 500), trade(4, 2_500), seen_ms=4_000))
    assert [certificate(candle)[:3] for candle in candles] == [
        (1, 3, False), (0, 2, False), (1, 3, False), (0, 0, True),
    ]  # fmt: skip


def test_a_jump_seen_only_after_the_close_revises_what_it_may_belong_to() -> None:
    aggregator = watching("1s")
    aggregator.update(message(trade(1, 500), seen_ms=2_000))
    revised = aggregator.update(message(trade(3, 2_500), seen_ms=2_600))
    assert [certificate(candle) for candle in revised] == [
        (1, 2, False, False, 0, 1), (0, 1, False, False, 0, 1),
    ]  # fmt: skip


def test_a_missing_trade_that_comes_at_last_fills_its_candle_and_clears_the_others() -> None:
    aggregator = watching("1s")
    aggregator.update(message(trade(1, 500, 10.0), trade(3, 2_500, 30.0), seen_ms=3_000))
    revised = aggregator.update(message(trade(2, 1_500, 20.0), seen_ms=3_100))
    assert [(c.open_time_ms - START_US // 1_000, c.close) for c in revised] == [
        (0, 10.0), (1_000, 20.0), (2_000, 30.0),
    ]  # fmt: skip
    assert [certificate(candle) for candle in revised] == [
        (1, 1, True, False, 0, 1), (1, 1, True, True, 1, 1), (1, 1, True, False, 0, 1),
    ]  # fmt: skip
    assert aggregator.late == 1


def test_a_missing_trade_may_fill_the_open_candle() -> None:
    aggregator = watching("1s")
    assert aggregator.update(message(trade(1, 100, 10.0), trade(3, 300, 30.0), seen_ms=300)) == []
    assert aggregator.update(message(trade(2, 50, 20.0), seen_ms=400)) == []
    (candle,) = aggregator.update(message(seen_ms=1_000))
    assert certificate(candle) == (3, 3, True, True, 0, 0)
    assert (candle.open, candle.close) == (20.0, 30.0)  # by time, whatever the ids


def test_part_of_a_gap_filled_leaves_the_rest_missing() -> None:
    aggregator = watching("1s")
    aggregator.update(message(trade(1, 100), trade(6, 2_100), seen_ms=3_000))
    revised = aggregator.update(message(trade(4, 1_100, count=2), seen_ms=3_000))
    assert [certificate(candle)[:3] for candle in revised] == [
        (1, 2, False), (2, 4, False), (1, 2, False),
    ]  # fmt: skip
    revised = aggregator.update(message(trade(2, 1_050), trade(5, 2_050), seen_ms=3_000))
    assert [certificate(candle)[:3] for candle in revised] == [
        (1, 1, True), (3, 3, True), (2, 2, True),
    ]  # fmt: skip


def test_a_trade_that_overlaps_with_known_ids_is_a_duplicate() -> None:
    aggregator = watching("1s")
    aggregator.update(message(trade(1, 0), trade(6, 500), seen_ms=500))
    aggregator.update(message(trade(2, 100, count=2), trade(7, 600, count=2), seen_ms=600))
    assert aggregator.duplicates == 2
    (candle,) = aggregator.update(message(seen_ms=1_000))
    assert certificate(candle)[:3] == (2, 6, False)


def test_a_lower_id_than_the_first_counts_where_it_traded_after_watching_began() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    aggregator.update(message(trade(10, -500), trade(11, 2_500), seen_ms=3_000))
    late = aggregator.update(message(trade(8, 1_400, 50.0), seen_ms=3_100))
    newest = {c.open_time_ms - START_US // 1_000: c for c in late}
    assert [(at, certificate(c)[:3]) for at, c in sorted(newest.items())] == [
        (0, (0, None, None)), (1_000, (1, None, None)),
    ]  # fmt: skip
    assert newest[1_000].close == 50.0
    assert aggregator.duplicates == 0


def test_a_lower_id_than_the_first_comes_once_and_so_does_what_is_between() -> None:
    first = CandleAggregator(MARKET, ["1s"])
    first.update(message(trade(10, -500), trade(11, 2_500), seen_ms=3_000))
    first.update(message(trade(7, 1_400), seen_ms=3_100))
    second = CandleAggregator(MARKET, ["1s"])
    second.restore(first.snapshot())
    for aggregator in (first, second):
        aggregator.update(message(trade(7, 1_400), trade(9, 1_500), trade(9, 1_500), seen_ms=3_200))
        assert aggregator.duplicates == 2
        (candle,) = [
            c for c in aggregator.update(message(trade(8, 1_600), seen_ms=3_300))
            if c.open_time_ms == START_US // 1_000 + 1_000
        ]  # fmt: skip
        assert certificate(candle)[:3] == (3, None, None)


def test_a_lower_id_than_the_first_from_before_watching_began_is_of_no_candle() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    aggregator.update(message(trade(10, 500), trade(11, 2_500), seen_ms=3_000))
    assert aggregator.update(message(trade(9, 400), seen_ms=3_100)) == []
    assert aggregator.duplicates == 1


def test_with_more_gaps_than_are_kept_nothing_old_is_called_complete() -> None:
    aggregator = watching("1m", "1h")
    trades = [trade(2 * number, number) for number in range(1, 1_100)]
    candles = aggregator.update(message(*trades, seen_ms=91_000))
    assert [(c.timeframe, c.complete, c.expected_count) for c in candles] == [
        ("1m", None, None), ("1h", None, None), ("1m", True, 0),
    ]  # fmt: skip


def test_the_order_within_a_message_changes_nothing() -> None:
    trades = [trade(number, 130 * number, 100.0 + number % 7, count=1) for number in range(1, 60)]
    del trades[20:23]
    random = Random(7)
    expected = watching("250ms", "1s").update(message(*trades, seen_ms=9_000))
    for _ in range(10):
        random.shuffle(trades)
        assert watching("250ms", "1s").update(message(*trades, seen_ms=9_000)) == expected


type Row = tuple[int, int, int, Side, int, int]
"""Milliseconds after the start, price in cents, quantity in thousandths, taker, count and id."""


@st.composite
def tapes(draw: st.DrawFn) -> list[Row]:
    """Draw trades of a minute at most: some ids missing, some out of step with time."""
    steps = draw(
        st.lists(
            st.tuples(
                st.integers(0, 900) | st.just(0),
                st.integers(1, 100_000),
                st.integers(1, 100_000),
                st.sampled_from(["buy", "sell"]),
                st.integers(1, 3),
                st.sampled_from([0, 0, 0, 1, 5]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    rows: list[Row] = []
    ms, number = 0, draw(st.integers(0, 10**12))
    for step_ms, price, quantity, taker, count, missing in steps:
        ms += step_ms
        number += missing + count
        rows.append((ms, price, quantity, taker, count, number))
    for at in draw(st.lists(st.integers(1, len(rows)), max_size=5)):
        if 1 < at < len(rows):  # the first one stays first: what is before it nobody waits for
            one, other = rows[at - 1], rows[at]
            rows[at - 1 : at + 1] = [(one[0], *other[1:]), (other[0], *one[1:])]
    return rows


def by_columns(rows: list[Row], timeframe: str) -> list[tuple[object, ...]]:
    """Return what columns make of the trades but for the last candle, which has no end."""
    ms, price, quantity, taker, count, ids = np.array(
        [(*row[:3], 1 if row[3] == "buy" else -1, *row[4:]) for row in rows], np.int64
    ).T
    time_us = START_US + ms * 1_000
    table = TradeTable(time_us, price, quantity, taker.astype(np.int8), count, ids, 2, 3)
    columns = fold_columns(table, timeframe, consecutive_ids=True)
    assert columns.first_trade_id is not None
    assert columns.last_trade_id is not None
    klines = [array.tolist() for array in kline_arrays(columns).values()]
    return list(
        zip(
            *klines[:-1],
            columns.first_trade_id.tolist(),
            columns.last_trade_id.tolist(),
            columns.complete.tolist(),
            strict=True,
        )
    )[:-1]


def by_messages(
    rows: list[Row], timeframes: list[str], ahead_ms: int, sizes: list[int]
) -> dict[str, list[tuple[object, ...]]]:
    """Return the last revisions of what the stream makes of the trades in this order."""
    aggregator = CandleAggregator(MARKET, timeframes)
    newest: dict[tuple[str, str, int], Candle] = {}
    seen_ms, at = 0, 0
    for size in [1, *sizes, len(rows)]:  # the first one alone: it says where watching begins
        chosen, at = rows[at : at + size], at + size
        seen_ms = max([seen_ms, *(row[0] + ahead_ms for row in chosen)])
        trades = (
            Trade(number, price / 100, quantity / 1_000, taker, START_US + ms * 1_000, count)
            for ms, price, quantity, taker, count, number in chosen
        )
        for candle in aggregator.update(message(*trades, seen_ms=seen_ms)):
            before = newest.get(candle.identity)
            assert candle.revision == (0 if before is None else before.revision + 1)
            newest[candle.identity] = candle
        snapshot = aggregator.snapshot()
        aggregator = CandleAggregator(MARKET, timeframes)
        aggregator.restore(snapshot)
    return {
        timeframe: [
            (
                c.open_time_ms, c.open, c.high, c.low, c.close, c.volume, c.close_time_ms - 1,
                c.quote_volume, c.trade_count, c.taker_buy_volume, c.taker_buy_quote_volume,
                -1 if c.first_trade_id is None else c.first_trade_id,
                -1 if c.last_trade_id is None else c.last_trade_id, c.complete is True,
            )
            for c in sorted(newest.values(), key=lambda c: c.open_time_ms)
            if c.timeframe == timeframe
        ]
        for timeframe in timeframes
    }  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    tapes(),
    st.randoms(use_true_random=False),
    st.integers(0, 5_000),
    st.lists(st.integers(1, 9), max_size=60),
)
def test_in_any_order_and_batching_the_last_revisions_are_what_columns_make(
    rows: list[Row], random: Random, ahead_ms: int, sizes: list[int]
) -> None:
    timeframes = ["1s", "2s", "5s"]
    shuffled = rows[1:]
    random.shuffle(shuffled)
    streamed = by_messages([rows[0], *shuffled], timeframes, ahead_ms, sizes)
    for timeframe in timeframes:
        expected = by_columns(rows, timeframe)
        assert streamed[timeframe][: len(expected)] == expected


@settings(max_examples=50, deadline=None)
@given(tapes(), st.lists(st.integers(1, 9), max_size=60))
def test_all_timeframes_of_one_pass_are_what_columns_make(
    rows: list[Row], sizes: list[int]
) -> None:
    streamed = by_messages(rows, TIMEFRAMES, 0, sizes)
    for timeframe in TIMEFRAMES:
        expected = by_columns(rows, timeframe)
        assert streamed[timeframe][: len(expected)] == expected


@settings(max_examples=50, deadline=None)
@given(tapes())
def test_coarse_candles_are_the_fine_ones_put_together(rows: list[Row]) -> None:
    streamed = by_messages(rows, TIMEFRAMES, 0, [])
    for fine, coarse in pairwise(["100ms", "1s", "5s", "1m"]):
        for candle in streamed[coarse]:
            open_ms, close_ms = candle[0], candle[6]
            inside = [c for c in streamed[fine] if open_ms <= c[0] and c[6] <= close_ms]  # type: ignore[operator]
            traded = [c for c in inside if c[8]]
            assert candle[8] == sum(c[8] for c in inside)  # type: ignore[misc]
            if traded:
                assert (candle[1], candle[4]) == (traded[0][1], traded[-1][4])
                assert candle[2] == max(c[2] for c in traded)  # type: ignore[type-var]
                assert candle[3] == min(c[3] for c in traded)  # type: ignore[type-var]


def test_a_day_ends_at_midnight() -> None:
    aggregator = watching("1m", "1d")
    candles = aggregator.update(
        message(trade(1, 0, 10.0), trade(2, 29_999, 12.0), trade(3, 30_000, 9.0), seen_ms=90_000)
    )
    assert [(c.timeframe, c.close, c.trade_count) for c in candles] == [
        ("1m", 12.0, 3), ("1d", 12.0, 3), ("1m", 9.0, 1),
    ]  # fmt: skip


def test_a_repaired_candle_differs_from_one_never_broken_only_in_saying_so() -> None:
    trades = [trade(number, 100 * number) for number in range(1, 20)]
    whole = watching("1s").update(message(*trades, seen_ms=2_000))
    aggregator = watching("1s")
    aggregator.update(message(*trades[:4], *trades[6:], seen_ms=2_000))
    (repaired,) = aggregator.update(message(*trades[4:6], seen_ms=2_000))
    assert repaired == replace(whole[0], filled=True, late_count=2, revision=1)
