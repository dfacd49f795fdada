"""Candles from trades: every field, every border, whatever the batching."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from marketstream.errors import BadMessage
from marketstream.messages import Candle, Quote, Side, Trade, Trades

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000  # a whole second, in the middle of a minute


def trade(
    number: int, ms: int, price: float = 100.0, quantity: float = 1.0, taker: Side = "buy"
) -> Trade:
    return Trade(number, price, quantity, taker, START_US + ms * 1_000)


def message(*trades: Trade, quote: Quote | None = None, seen_ms: int | None = None) -> Trades:
    times = [one.time_us for one in trades]
    if quote is not None:
        times.append(quote.time_us)
    seen = max(times) if seen_ms is None else START_US + seen_ms * 1_000
    return Trades(MARKET, trades, quote, seen, proven_until_us=seen)


def quote(ms: int, bid: float = 99.0, ask: float = 101.0) -> Quote:
    return Quote(bid, 1.0, ask, 2.0, START_US + ms * 1_000)


def fold(messages: list[Trades], timeframes: list[str]) -> list[Candle]:
    aggregator = CandleAggregator(MARKET, timeframes, leaps=True)
    return [candle for one in messages for candle in aggregator.update(one)]


def test_a_candle_holds_all_fields_of_its_interval() -> None:
    messages = [
        message(quote=quote(-10), seen_ms=-10),
        message(trade(7, 0, 100.5, 0.25, "sell"), trade(8, 300, 101.25, 0.5), quote=quote(310)),
        message(trade(9, 999, 99.75, 0.125, "buy")),
        message(quote=quote(1_010, 98.0, 99.0), seen_ms=1_000),
    ]
    assert fold(messages, ["1s"]) == [
        Candle(
            market=MARKET,
            timeframe="1s",
            open_time_ms=START_US // 1_000,
            close_time_ms=START_US // 1_000 + 1_000,
            open=100.5,
            high=101.25,
            low=99.75,
            close=99.75,
            volume=0.875,
            quote_volume=88.21875,
            trade_count=3,
            taker_buy_volume=0.625,
            taker_buy_quote_volume=63.09375,
            bid=99.0,
            bid_quantity=1.0,
            ask=101.0,
            ask_quantity=2.0,
            first_buy=101.25,
            first_sell=100.5,
            first_trade_id=7,
            last_trade_id=9,
            expected_count=3,
        )
    ]


def test_a_trade_at_the_border_belongs_to_the_next_candle() -> None:
    candles = fold([message(trade(1, 0), trade(2, 1_000), trade(3, 2_000))], ["1s"])
    assert [(c.first_trade_id, c.last_trade_id) for c in candles] == [(1, 1), (2, 2)]


def test_a_silent_interval_closes_flat_by_what_was_seen() -> None:
    candles = fold([message(trade(1, 100, 50.0)), message(seen_ms=3_000)], ["1s"])
    assert [(c.open, c.high, c.low, c.close, c.volume, c.trade_count) for c in candles] == [
        (50.0, 50.0, 50.0, 50.0, 1.0, 1),
        (50.0, 50.0, 50.0, 50.0, 0.0, 0),
        (50.0, 50.0, 50.0, 50.0, 0.0, 0),
    ]
    assert [c.first_trade_id for c in candles] == [1, None, None]


def test_nothing_closes_before_its_end_was_seen() -> None:
    assert fold([message(trade(1, 100)), message(seen_ms=999)], ["1s"]) == []


def test_the_finer_candle_comes_first_where_several_close_at_one_moment() -> None:
    candles = fold([message(trade(1, 0), seen_ms=1_000)], ["1s", "250ms", "500ms"])
    assert [c.timeframe for c in candles] == [
        "250ms", "250ms", "500ms", "250ms", "250ms", "500ms", "1s",
    ]  # fmt: skip


def test_timeframes_that_do_not_divide_each_other_agree_with_being_alone() -> None:
    messages = [message(trade(n, 370 * n, 100.0 + n % 7)) for n in range(60)]
    together = fold(messages, ["2s", "3s"])
    for timeframe in ("2s", "3s"):
        alone = fold(messages, [timeframe])
        assert [c for c in together if c.timeframe == timeframe] == alone


def test_the_book_is_as_of_the_close_even_when_newer_quotes_came_first() -> None:
    candles = fold(
        [
            message(trade(1, 0), quote=quote(900, 10.0, 11.0)),
            message(quote=quote(1_050, 20.0, 21.0), seen_ms=800),
            message(trade(2, 950), seen_ms=1_000),
            message(seen_ms=2_000),
        ],
        ["1s"],
    )
    assert [(c.bid, c.ask) for c in candles] == [(10.0, 11.0), (20.0, 21.0)]
    assert [c.trade_count for c in candles] == [2, 0]


def test_the_interval_in_which_watching_began_is_incomplete() -> None:
    first, second = fold([message(trade(5, 300)), message(seen_ms=2_000)], ["1s"])
    assert first.complete is None
    assert second.complete


def test_a_coarse_candle_that_began_before_watching_is_incomplete() -> None:
    candles = fold([message(trade(1, 0), seen_ms=200_000)], ["1s", "1m"])
    assert [c.complete for c in candles if c.timeframe == "1m"] == [None, True, True]


def test_a_jump_in_ids_marks_every_candle_it_may_belong_to() -> None:
    candles = fold(
        [
            message(quote=quote(-5), seen_ms=-5),
            message(trade(1, 0), trade(2, 1_000), trade(9, 3_500), trade(10, 4_000)),
            message(seen_ms=5_000),
        ],
        ["1s"],
    )
    assert [c.complete for c in candles] == [True, False, False, False, True]


def test_a_trade_seen_twice_counts_once() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    aggregator.update(message(trade(1, 0), trade(2, 100)))
    [candle] = aggregator.update(message(trade(1, 0), trade(2, 100), trade(3, 200), seen_ms=1_000))
    assert (candle.trade_count, aggregator.duplicates) == (3, 2)


def test_late_trade_does_not_reopen_a_closed_candle_but_revises_it() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    (closed,) = aggregator.update(message(trade(1, 0, 10.0), seen_ms=1_000))
    (revised,) = aggregator.update(message(trade(2, 900, 12.0, 2.0), seen_ms=1_100))
    assert (closed.revision, revised.revision) == (0, 1)
    assert revised.open_time_ms == closed.open_time_ms
    assert (revised.open, revised.high, revised.close) == (10.0, 12.0, 12.0)
    assert (revised.volume, revised.trade_count, revised.last_trade_id) == (3.0, 2, 2)
    assert aggregator.late == 1
    (following,) = aggregator.update(message(seen_ms=2_000))
    assert (following.open, following.trade_count, following.revision) == (12.0, 0, 0)


def test_late_trade_revises_the_flat_candles_since() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    aggregator.update(message(trade(1, 0, 10.0), seen_ms=3_000))
    revised = aggregator.update(message(trade(2, 900, 12.0), seen_ms=3_100))
    assert [(c.close, c.trade_count, c.revision) for c in revised] == [
        (12.0, 2, 1), (12.0, 0, 1), (12.0, 0, 1),
    ]  # fmt: skip


def test_late_trade_goes_into_the_coarser_candle_that_is_still_open() -> None:
    aggregator = CandleAggregator(MARKET, ["250ms", "1s"])
    aggregator.update(message(trade(1, 0), seen_ms=500))
    revised = aggregator.update(message(trade(2, 100, 99.0), seen_ms=500))
    assert [(c.timeframe, c.revision) for c in revised] == [("250ms", 1), ("250ms", 1)]
    candles = aggregator.update(message(seen_ms=1_000))
    (whole,) = [c for c in candles if c.timeframe == "1s"]
    assert (whole.trade_count, whole.low, whole.revision) == (2, 99.0, 0)


@pytest.mark.parametrize(("proven", "seconds"), [(True, 200), (False, 600)])
def test_late_trade_for_what_closed_long_ago_is_counted_only(proven: bool, seconds: int) -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    long = message(trade(1, 0), seen_ms=seconds * 1_000)
    aggregator.update(long if proven else replace(long, proven_until_us=None))
    revised = aggregator.update(message(trade(2, 900, 50.0), seen_ms=seconds * 1_000))
    assert all(c.trade_count == 0 for c in revised)
    assert aggregator.late == 1


def test_a_market_with_quotes_but_no_trades_keeps_few_of_them() -> None:
    aggregator = CandleAggregator(MARKET, ["1s"])
    for ms in range(0, 100_000, 250):
        assert aggregator.update(message(quote=quote(ms), seen_ms=ms)) == []
    assert len(aggregator.snapshot()) < 2_000


def test_where_no_interval_closes_few_quotes_are_kept_and_none_is_shown_early() -> None:
    """Nobody can say that there were no trades: quotes go on for an hour, then trades do."""
    aggregator = CandleAggregator(MARKET, ["1s"], leaps=True)
    aggregator.update(message(trade(1, 0)))
    for ms in range(0, 3_600_000, 250):
        assert aggregator.update(message(quote=quote(ms, 1.0 + ms, 2.0 + ms), seen_ms=0)) == []
    assert len(aggregator.snapshot()) < 120_000
    after = aggregator.update(message(trade(2, 3_600_500), seen_ms=3_601_000))
    candles = [one for one in after if one.revision == 0]
    assert len(candles) == 3_601
    for number, candle in enumerate(candles[:-1]):
        assert candle.bid is None or candle.bid <= 1.0 + 1_000 * number + 750
        if number > 3_500:  # the newest 500 are all there
            assert candle.bid == 1.0 + 1_000 * number + 750
    assert candles[-1].bid == 1.0 + 3_599_750


def test_many_quotes_in_an_open_interval_are_as_if_all_were_kept() -> None:
    aggregator = CandleAggregator(MARKET, ["1m"])
    aggregator.update(message(trade(1, 0)))
    for ms in range(1, 40_000, 10):
        assert aggregator.update(message(quote=quote(ms, 1.0 + ms, 2.0 + ms))) == []
    assert len(aggregator.snapshot()) < 120_000
    (candle,) = aggregator.update(message(trade(2, 40_000), quote=quote(40_001), seen_ms=40_000))
    assert candle.bid == 1.0 + 39_991


def test_sums_are_exact_at_any_number_of_decimals() -> None:
    prices = [0.00141342, 0.00141266, 61837.63, 0.1]
    quantities = [23.0, 0.00001, 123456.789, 1e9 + 0.5]
    trades = [trade(n, n, p, q) for n, (p, q) in enumerate(zip(prices, quantities, strict=True))]
    [candle] = fold([message(*trades, seen_ms=1_000)], ["1s"])
    exact = [(Decimal(repr(p)), Decimal(repr(q))) for p, q in zip(prices, quantities, strict=True)]
    assert candle.volume == float(sum(q for _, q in exact))
    assert candle.quote_volume == float(sum(p * q for p, q in exact))


trades_strategy = st.lists(
    st.tuples(
        st.integers(0, 1_500),
        st.integers(1, 10_000_000),
        st.integers(1, 10_000_000),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=60,
)


def tape(steps: list[tuple[int, int, int, Side, int]]) -> list[Trade]:
    trades, ms, number = [], 0, 0
    for step, price, quantity, taker, ids in steps:
        ms += step
        number += ids
        trades.append(trade(number, ms, price / 100, quantity / 100_000, taker))
    return trades


@given(trades_strategy)
def test_candles_keep_their_bounds_and_all_volume(
    steps: list[tuple[int, int, int, Side, int]],
) -> None:
    trades = tape(steps)
    candles = fold([message(*trades), message(seen_ms=10_000_000)], ["1s", "15s"])
    for timeframe in ("1s", "15s"):
        chosen = [c for c in candles if c.timeframe == timeframe]
        for c in chosen:
            assert c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high
            assert 0 <= c.taker_buy_volume <= c.volume
        assert all(a.close_time_ms == b.open_time_ms for a, b in pairwise(chosen))
        assert sum(c.trade_count for c in chosen) == len(trades)
        exact = sum(Decimal(repr(t.quantity)) for t in trades)
        assert sum(Decimal(repr(c.volume)) for c in chosen) == exact


@given(trades_strategy, st.lists(st.integers(1, 5), min_size=60, max_size=60))
def test_splitting_a_batch_changes_nothing(
    steps: list[tuple[int, int, int, Side, int]], sizes: list[int]
) -> None:
    trades = tape(steps)
    whole = fold([message(*trades)], ["250ms", "1s"])
    parts = []
    for size in sizes:
        if trades:
            parts.append(message(*trades[:size]))
            trades = trades[size:]
    assert fold(parts, ["250ms", "1s"]) == whole


@given(trades_strategy, st.integers(0, 60))
def test_a_restart_from_a_snapshot_changes_nothing(
    steps: list[tuple[int, int, int, Side, int]], cut: int
) -> None:
    messages = [message(one, quote=quote((one.time_us - START_US) // 1_000)) for one in tape(steps)]
    first = CandleAggregator(MARKET, ["1s", "5s"])
    candles = [c for one in messages[:cut] for c in first.update(one)]
    second = CandleAggregator(MARKET, ["1s", "5s"])
    second.restore(first.snapshot())
    candles += [c for one in messages[cut:] for c in second.update(one)]
    assert candles == fold(messages, ["1s", "5s"])


def test_a_snapshot_of_other_timeframes_is_refused() -> None:
    snapshot = CandleAggregator(MARKET, ["1s"]).snapshot()
    with pytest.raises(BadMessage, match="timeframes"):
        CandleAggregator(MARKET, ["1m"]).restore(snapshot)


@settings(max_examples=300, deadline=None)
@given(trades_strategy, st.lists(st.integers(0, 3_000), min_size=60, max_size=60))
def test_however_late_trades_come_the_last_revisions_are_the_same(
    steps: list[tuple[int, int, int, Side, int]], ahead_ms: list[int]
) -> None:
    trades = tape(steps)
    in_time = fold([message(*trades), message(seen_ms=200_000)], ["1s", "5s"])
    newest: dict[tuple[str, str, int], Candle] = {}
    aggregator = CandleAggregator(MARKET, ["1s", "5s"])
    seen_us = 0
    for one, early_ms in zip(trades, ahead_ms, strict=False):
        seen_us = max(seen_us, one.time_us + early_ms * 1_000)
        late = Trades(MARKET, (one,), None, seen_us, proven_until_us=seen_us)
        for candle in aggregator.update(late):
            newest[candle.identity] = candle
    for candle in aggregator.update(message(seen_ms=200_000)):
        newest[candle.identity] = candle
    last = sorted(newest.values(), key=lambda c: (c.close_time_ms, -c.open_time_ms))
    assert [replace(candle, revision=0, late_count=0) for candle in last] == in_time


@pytest.mark.parametrize("quantity", [0.08474337369372327, 6.566565057107391, 0.30000000000000004])
def test_quantity_of_as_many_digits_as_a_float_has_is_folded(quantity: float) -> None:
    aggregator = CandleAggregator("binance:BTC/USDT", ["1s"])
    trades = tuple(
        Trade(number, 100.0, quantity, "buy", number * 1_000_000) for number in (1, 2, 3)
    )
    message = Trades("binance:BTC/USDT", trades, None, 3_000_000, 0, 0)
    assert [candle.volume for candle in aggregator.update(message)] == [quantity, quantity]
