"""Candles of trades whose ids only tell one from another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from marketstream.messages import Candle, Trade, Trades

MARKET = "bybit-linear:BTC/USDT"
START_US = 1_700_006_400_000_000
IDS = [7_000_000_000_000_000_000, 12, 5_000_000_000_000_000_000, 900, 13, 4_000_000_000_000]


def trade(at: int, ms: int, price: float = 100.0) -> Trade:
    return Trade(IDS[at], price, 1.0, "buy", START_US + ms * 1_000)


def message(*trades: Trade, seen_ms: int) -> Trades:
    seen_us = START_US + seen_ms * 1_000
    return Trades(MARKET, trades, None, seen_us, 2, 3, numbered=False)


def watching() -> CandleAggregator:
    aggregator = CandleAggregator(MARKET, ["1s"])
    aggregator.update(message(trade(0, -500), seen_ms=0))
    return aggregator


def said(candle: Candle) -> tuple[object, ...]:
    return (candle.trade_count, candle.complete, candle.expected_count, candle.first_trade_id)


def test_a_jump_of_ids_is_no_missing_trade_and_nothing_is_called_complete() -> None:
    one = watching()
    candles = one.update(message(trade(1, 100), trade(2, 500), trade(3, 1_100), seen_ms=2_000))
    assert [said(candle) for candle in candles] == [(2, None, 2, None), (1, None, 1, None)]
    assert one.update(message(trade(4, 2_100), seen_ms=2_100)) == []


def test_a_trade_that_comes_again_is_skipped_whatever_came_between() -> None:
    one = watching()
    first = message(trade(1, 100), trade(2, 500), seen_ms=500)
    one.update(first)
    (candle,) = one.update(message(*first.trades, trade(3, 600), seen_ms=1_000))
    assert (candle.trade_count, one.duplicates) == (3, 2)


def test_of_trades_of_one_moment_the_first_that_came_opens_and_the_last_closes() -> None:
    one = watching()
    moment = (trade(1, 100, price=100.0), trade(2, 100, price=102.0), trade(3, 100, price=101.0))
    (candle,) = one.update(message(*moment, seen_ms=1_000))
    assert (candle.open, candle.high, candle.close) == (100.0, 102.0, 101.0)


def test_a_trade_that_comes_late_revises_its_candle_and_proves_nothing() -> None:
    one = watching()
    one.update(message(trade(1, 100), trade(2, 1_100), seen_ms=1_100))
    (candle,) = one.update(message(trade(3, 50, price=99.0), seen_ms=1_100))
    assert (candle.revision, candle.late_count, candle.open, candle.close) == (1, 1, 99.0, 100.0)
    assert said(candle) == (2, None, 2, None)


def test_what_was_counted_by_ids_before_is_not_from_where_they_count_nothing() -> None:
    one = CandleAggregator(MARKET, ["1s"])
    old = Trades(MARKET, (replace(trade(0, -500), id=41),), None, START_US, 2, 3)
    one.update(old)
    for at, ms in ((1, 100), (2, 200)):
        assert one.update(message(trade(at, ms), seen_ms=ms)) == []  # one alone says nothing
    (candle,) = one.update(message(trade(3, 300), seen_ms=1_000))
    assert said(candle) == (3, None, 3, None)


def test_a_message_of_before_there_was_the_word_has_ids_that_count() -> None:
    raw = msgpack.encode({"market": MARKET, "trades": [], "quote": None, "seen_until_us": 1})
    assert msgpack.decode(raw, type=Trades).numbered


@given(st.integers(0, 5), st.permutations(range(6)))
def test_a_restart_anywhere_changes_nothing(restart: int, ids: list[int]) -> None:
    messages = [
        message(trade(number, at * 400, price=100.0 + number), seen_ms=at * 400)
        for at, number in enumerate(ids)
    ]
    whole, first, second = (CandleAggregator(MARKET, ["1s"]) for _ in range(3))
    expected = [candle for one in messages for candle in whole.update(one)]
    found = [candle for one in messages[:restart] for candle in first.update(one)]
    second.restore(first.snapshot())
    # The last message is delivered once more.
    found += [candle for one in messages[max(0, restart - 1) :] for candle in second.update(one)]
    assert found == expected


def test_a_candle_in_which_a_connection_was_lost_is_not_whole_and_the_next_is() -> None:
    one = watching()
    one.update(message(trade(1, 100), seen_ms=300))
    begun = replace(message(trade(2, 900), trade(3, 1_500), seen_ms=2_000), epoch=1)
    candles = one.update(begun)
    assert [said(candle) for candle in candles] == [(2, None, None, None), (1, None, 1, None)]
    assert [candle.is_whole for candle in candles] == [False, True]
