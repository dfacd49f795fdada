"""A candle is complete only where that is proven, and unknown is an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from marketstream.errors import BadMessage
from marketstream.messages import Candle, Quote, Trade, Trades

MARKET = "binance:BTC/USDT"
START_US = 1_700_006_400_000_000


def trade(number: int, ms: int, **changed: float) -> Trade:
    return replace(Trade(number, 100.0, 1.0, "buy", START_US + ms * 1_000), **changed)


def message(*trades: Trade, seen_ms: int, proven_ms: int | None = None, epoch: int = 0) -> Trades:
    proven_us = None if proven_ms is None else START_US + proven_ms * 1_000
    seen_us = START_US + seen_ms * 1_000
    return Trades(MARKET, trades, None, seen_us, 2, 3, proven_until_us=proven_us, epoch=epoch)


def watching(*timeframes: str) -> CandleAggregator:
    """Return an aggregator that has seen the market for a second, and trade 0 in it."""
    aggregator = CandleAggregator(MARKET, list(timeframes))
    aggregator.update(message(trade(0, -1_000), seen_ms=0, proven_ms=0))
    return aggregator


def said(candles: list[Candle]) -> list[tuple[int, bool | None, int]]:
    """Open time in ms, whether it is complete, revision."""
    return [(c.open_time_ms - START_US // 1_000, c.complete, c.revision) for c in candles]


def test_what_closes_by_the_clock_is_unknown_until_a_later_id_proves_it() -> None:
    one = watching("1s")
    assert said(one.update(message(trade(1, 500), seen_ms=2_500))) == [
        (0, None, 0), (1_000, None, 0),
    ]  # fmt: skip
    assert said(one.update(message(trade(2, 2_700), seen_ms=2_700))) == [
        (0, True, 1), (1_000, True, 1),
    ]  # fmt: skip


def test_the_exchange_proves_a_silence_where_it_is_asked() -> None:
    one = watching("1s")
    one.update(message(trade(1, 500), seen_ms=3_000))
    assert said(one.update(message(seen_ms=3_000, proven_ms=2_100))) == [
        (0, True, 1), (1_000, True, 1),
    ]  # fmt: skip
    assert said(one.update(message(seen_ms=4_000, proven_ms=4_000))) == [
        (2_000, True, 1), (3_000, True, 0),
    ]  # fmt: skip


def test_the_trade_that_closes_an_interval_proves_it() -> None:
    one = watching("250ms", "1s")
    candles = one.update(message(trade(1, 500), trade(2, 1_000), seen_ms=1_000))
    assert {(complete, revision) for _, complete, revision in said(candles)} == {(True, 0)}


def test_what_lacks_a_trade_is_not_complete_however_much_is_proven() -> None:
    one = watching("1s")
    candles = one.update(message(trade(1, 500), trade(3, 1_500), seen_ms=2_000, proven_ms=2_000))
    assert said(candles) == [(0, False, 0), (1_000, False, 0)]
    assert said(one.update(message(trade(2, 700), seen_ms=2_000))) == [
        (0, True, 1), (1_000, True, 1),
    ]  # fmt: skip


def test_a_trade_may_come_late_for_as_long_as_its_candle_is_not_proven() -> None:
    one = watching("250ms")
    one.update(message(trade(1, 100), seen_ms=60_000))  # 240 candles
    revised = one.update(message(trade(2, 300), trade(3, 60_100), seen_ms=60_100))
    assert {complete for _, complete, _ in said(revised)} == {True}
    assert sum(candle.trade_count for candle in revised if candle.open_time_ms) == 2


def test_numbers_that_begin_again_are_no_duplicates_and_leave_a_seam() -> None:
    one = watching("1s")
    one.update(message(trade(5_000, 500), seen_ms=500))
    first = one.update(message(trade(7, 2_200), seen_ms=2_200, epoch=1))
    assert said(first) == [(0, None, 0), (1_000, None, 0)]
    candles = one.update(message(trade(8, 3_100), trade(9, 4_000), seen_ms=4_000, epoch=1))
    assert said(candles) == [(2_000, None, 0), (3_000, True, 0)]
    assert one.duplicates == 0
    late = one.update(message(trade(4_999, 2_500), seen_ms=4_000, epoch=0))
    assert late == []


def test_who_goes_on_in_a_later_numbering_sees_no_seam() -> None:
    before = watching("1s")
    (last,) = before.update(message(trade(7, 500), seen_ms=1_000))
    one = CandleAggregator(MARKET, ["1s"])
    one.resume(last, 7, epoch=1)
    candles = one.update(message(trade(8, 1_100), trade(9, 2_000), seen_ms=2_000, epoch=1))
    assert said(candles) == [(1_000, True, 0)]


def test_interval_with_trades_of_two_numberings_is_never_called_complete() -> None:
    """Nobody can say whether the new one repeats what the old one had."""
    one = watching("1s")
    one.update(message(*(trade(1 + at, 250 * at) for at in range(14)), seen_ms=3_300))
    again = [trade(5_001 + at, 1_100 + 250 * at) for at in range(20)]
    candles = one.update(message(*again, seen_ms=5_850, epoch=1))
    newest = {open_ms: complete for open_ms, complete, _ in said(candles)}
    assert newest == {1_000: None, 2_000: None, 3_000: None, 4_000: True}


def test_who_goes_on_from_a_snapshot_proves_what_was_unknown() -> None:
    one = watching("1s", "5s")
    one.update(message(trade(1, 500), seen_ms=2_500))
    other = CandleAggregator(MARKET, ["1s", "5s"])
    other.restore(one.snapshot())
    expected = one.update(message(trade(2, 2_700), seen_ms=2_700))
    assert other.update(message(trade(2, 2_700), seen_ms=2_700)) == expected
    assert len(expected) == 2
    with pytest.raises(BadMessage, match="of another version"):
        other.restore(b"\x80")


def test_a_message_that_leaps_ahead_counts_once_three_agree() -> None:
    day_ms = 86_400_000
    one = watching("1s")
    one.update(message(trade(1, 100), seen_ms=100))
    for ahead_ms in (day_ms, 2 * day_ms):
        assert one.update(message(trade(2, ahead_ms), seen_ms=ahead_ms)) == []
        assert said(one.update(message(trade(2, 200), seen_ms=200))) == []
    for number in (3, 4):
        assert one.update(message(trade(number, 700_000 + number), seen_ms=700_004)) == []
    candles = one.update(message(trade(5, 701_000), seen_ms=701_000))
    assert sum(candle.trade_count for candle in candles) == 4  # the last one is in an open candle
    assert one.late == 0


def test_who_goes_on_from_a_snapshot_knows_what_is_held_until_others_agree() -> None:
    day_ms = 86_400_000
    one = watching("1s")
    ahead = [message(trade(number, day_ms), seen_ms=day_ms) for number in (1, 2, 3)]
    candles: list[Candle] = []
    for each in ahead:
        other = CandleAggregator(MARKET, ["1s"])
        other.restore(one.snapshot())
        candles = one.update(each)
        assert other.update(each) == candles
    assert candles


def test_a_message_that_leaps_ahead_does_not_agree_with_itself() -> None:
    one = watching("1s")
    for _ in range(3):
        assert one.update(message(trade(1, 86_400_000), seen_ms=86_400_000)) == []


def test_of_what_was_held_and_nobody_agreed_with_the_trades_are_missing() -> None:
    one = watching("1s")
    one.update(message(trade(1, 100), seen_ms=100))
    one.update(message(trade(2, 86_400_000), seen_ms=86_400_000))
    assert said(one.update(message(trade(3, 500), trade(4, 1_000), seen_ms=1_000))) == [
        (0, False, 0)
    ]


def test_what_is_no_longer_held_is_not_proven_where_a_trade_came_too_late_for_it() -> None:
    one = watching("250ms")
    one.update(message(trade(1, 100), seen_ms=200_000))  # 800 candles: the first are let go
    revised = one.update(message(trade(2, 10_300), trade(3, 200_100), seen_ms=200_100))
    before = [candle for candle in revised if candle.open_time_ms < START_US // 1_000 + 10_250]
    assert said(before) == [(at, True, 1) for at in range(0, 10_250, 250)]
    at_ms = {open_ms for open_ms, complete, _ in said(revised) if complete}
    assert min(ms for ms in at_ms if ms >= 10_250) > 60_000  # flat since, at a price that is wrong


def test_what_is_no_longer_held_is_shown_again_in_units_that_have_become_finer() -> None:
    one = watching("250ms")
    one.update(message(trade(1, 100, quantity=1.5), seen_ms=200_000))
    finer = trade(2, 200_100, price=100.00001, quantity=0.00001)
    revised = one.update(message(finer, seen_ms=200_100))
    first = next(candle for candle in revised if candle.open_time_ms == START_US // 1_000)
    assert (first.volume, first.quote_volume, first.revision) == (1.5, 150.0, 1)


@pytest.mark.parametrize("leaps", [False, True])
def test_a_time_without_trades_however_long_makes_no_more_candles_than_can_be_used(
    leaps: bool,
) -> None:
    years_ms = 60 * 365 * 86_400_000
    one = CandleAggregator(MARKET, ["1s", "1m", "1h"], leaps=leaps)
    one.update(message(trade(0, -1_000), seen_ms=0, proven_ms=0))
    one.update(message(trade(1, 500), seen_ms=500))
    candles: list[Candle] = []
    for number in (2, 3, 4):
        ahead = message(trade(number, years_ms + number), seen_ms=years_ms + number)
        candles += one.update(ahead)
    assert len(candles) < (103_000 if leaps else 10_300)
    assert [c.timeframe for c in candles if c.trade_count] == ["1s", "1m", "1h"]
    closes = [c.close_time_ms for c in candles]
    assert closes == sorted(closes)
    assert closes[-1] == START_US // 1_000 + years_ms
    assert {c.complete for c in candles if c.trade_count and c.timeframe != "1h"} == {True}
    after = one.update(message(trade(5, years_ms + 1_000), seen_ms=years_ms + 1_000))
    assert [(c.timeframe, c.trade_count, c.complete) for c in after] == [("1s", 3, True)]


def test_no_time_that_a_message_says_leaps_ahead_by_itself() -> None:
    one = watching("1s")
    quote = Quote(99.0, 1.0, 101.0, 1.0, START_US + 86_400_000_000)
    for leap in (
        message(trade(1, 100), seen_ms=86_400_000),
        message(trade(1, 100), seen_ms=100, proven_ms=43_200_000),
        replace(message(trade(1, 100), seen_ms=100), quote=quote),
    ):
        assert one.update(leap) == []
        assert one.update(message(trade(0, -1_000), seen_ms=0)) == []  # and it is forgotten
    candles = one.update(message(trade(1, 900), seen_ms=1_000))
    assert said(candles) == [(0, None, 0)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 40, 300, 2_000, 90_000, 200_000]), st.integers(0, 3)),
        min_size=3, max_size=25,
    ),
    st.integers(1, 24),
    st.integers(0, 6),
    st.booleans(),
)  # fmt: skip
def test_no_candle_is_called_complete_wrongly_after_long_silences_and_seams(
    steps: list[tuple[int, int]], seam: int, held_back: int, seamed: bool
) -> None:
    at_ms, truth = 0, []
    for number, (step_ms, cents) in enumerate(steps):
        at_ms += step_ms
        truth.append((number >= seam and seamed, trade(number, at_ms, price=100.0 + cents)))
    one = watching("250ms", "1s")
    one.update(message(seen_ms=0))
    held: list[tuple[bool, Trade]] = []
    for position, (new, this) in enumerate(truth):
        if held and held[0][0] != new:
            held.clear()  # a numbering that has ended brings nothing more
        held.append((new, this))
        seen_ms = (this.time_us - START_US) // 1_000
        reads = [message(seen_ms=seen_ms, epoch=int(new))]
        if len(held) > held_back or position == len(truth) - 1:
            came = [Trade(t.id + 1, t.price, t.quantity, t.taker, t.time_us) for _, t in held]
            reads.append(message(*came, seen_ms=seen_ms, epoch=int(new)))
            held.clear()
        for read in reads:
            for candle in one.update(read):
                inside = [
                    t for _, t in truth
                    if candle.open_time_ms <= t.time_us / 1_000 < candle.close_time_ms
                ]  # fmt: skip
                before = [t for _, t in truth if t.time_us / 1_000 < candle.close_time_ms]
                if candle.complete:
                    assert candle.trade_count == len(inside)
                    assert not before or candle.close == before[-1].price


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 700), min_size=3, max_size=40),
    st.sets(st.integers(1, 39), max_size=6),
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 900), st.booleans()), max_size=40),
    st.booleans(),
)
def test_no_candle_is_called_complete_that_lacks_a_trade(
    steps_ms: list[int],
    missing: set[int],
    reads: list[tuple[int, int, bool]],
    come_at_last: bool,
) -> None:
    at_ms, truth = 0, []
    for number, step_ms in enumerate(steps_ms):
        at_ms += step_ms
        truth.append(trade(number, at_ms))
    came = [one for one in truth if one.id not in missing or one is truth[-1]]
    one = CandleAggregator(MARKET, ["250ms", "1s"])
    newest: dict[tuple[str, str, int], Candle] = {}

    def take(read: Trades) -> None:
        for candle in one.update(read):
            newest[candle.identity] = candle
            inside = [
                t for t in truth
                if candle.open_time_ms <= t.time_us / 1_000 < candle.close_time_ms
            ]  # fmt: skip
            assert not candle.complete or candle.trade_count == len(inside)

    seen_ms, position = 0, 0
    for size, ahead_ms, asked in [(1, 0, False), *reads, (len(came), 0, True)]:
        chosen, position = came[position : position + size], position + size
        if not chosen:
            break
        last_ms = (chosen[-1].time_us - START_US) // 1_000
        unknown_us = [t.time_us for t in truth if t.id > chosen[-1].id]
        next_us = min(unknown_us, default=START_US + 10**9)  # the exchange knows of it when asked
        seen_ms = max(seen_ms, last_ms + ahead_ms)
        proven_ms = min(seen_ms, (next_us - START_US) // 1_000) if asked else None
        take(message(*chosen, seen_ms=seen_ms, proven_ms=proven_ms))
    if come_at_last:
        take(message(*[t for t in truth if t not in came], seen_ms=seen_ms))
    end_ms = seen_ms + 2_000
    take(message(seen_ms=end_ms, proven_ms=end_ms))
    first_us = (truth[0].time_us // 1_000_000 + 1) * 1_000_000
    for candle in newest.values():
        if candle.open_time_ms * 1_000 >= first_us and (come_at_last or came == truth):
            assert candle.complete is True
