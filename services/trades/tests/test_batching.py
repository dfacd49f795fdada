from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.events import QuoteEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import Quote, Trade, Trades
from trades.batching import Gap, TradesBatcher

if TYPE_CHECKING:
    from exchanges.events import MarketEvent

MARKET = "binance:BTC/USDT"
START_US = 1_723_161_250_000_000
FINEST_US = 250_000
OFFSET_US = 1_000_000  # the exchange's clock ahead of the receive times used here


def trade(number: int, at_us: int) -> TradeEvent:
    return TradeEvent(MARKET, Trade(number, 100.0, 1.0, "buy", START_US + at_us))


def quote(bid: float = 99.0, at_us: int | None = None) -> QuoteEvent:
    return QuoteEvent(MARKET, bid, 1.0, 101.0, 2.0, None if at_us is None else START_US + at_us)


def received(at_us: int) -> int:
    """The receive time of what reaches us the moment it happens."""
    return START_US + at_us - OFFSET_US


def batcher(grace_ms: int = 100) -> TradesBatcher:
    return TradesBatcher(MARKET, finest_ms=250, grace_ms=grace_ms)


def ids(message: Trades | None) -> list[int]:
    assert message is not None
    return [each.id for each in message.trades]


def test_trades_of_one_read_share_a_message() -> None:
    one = batcher()
    first = one.add(trade(1, 0), received(0))
    assert [ids(message) for message in first] == [[1]]
    assert one.add(trade(2, 1_000), received(1_000)) == []
    assert one.add(trade(3, 2_000), received(2_000)) == []
    message = one.flush()
    assert ids(message) == [2, 3]
    assert message is not None
    assert message.seen_until_us == START_US + 2_000
    assert one.flush() is None


def test_event_of_a_later_bucket_closes_the_message_before_it() -> None:
    one = batcher()
    one.add(trade(1, 0), received(0))
    one.add(trade(2, 249_000), received(249_000))
    closed = one.add(trade(3, 250_000), received(250_000))
    assert [ids(message) for message in closed] == [[2], [3]]
    assert [message.seen_until_us - START_US for message in closed] == [249_000, 250_000]


def test_quote_that_shows_time_passing_a_boundary_closes_the_message_after_it() -> None:
    one = batcher(grace_ms=100)
    one.add(trade(1, 0), received(0))
    assert one.add(quote(), received(300_000)) == []
    assert one.add(quote(98.0), received(349_000)) == []
    closed = one.add(quote(97.0), received(350_000))
    assert [message.seen_until_us - START_US for message in closed] == [250_000]
    assert closed[0].quote == Quote(97.0, 1.0, 101.0, 2.0, START_US + 350_000, estimated=True)


def test_quote_without_a_time_is_never_earlier_than_what_came_before_it() -> None:
    one = batcher()
    one.add(trade(1, 0), received(0))
    one.add(quote(at_us=90_000), received(1_000))
    one.add(quote(), received(2_000))
    message = one.flush()
    assert message is not None
    assert message.quote is not None
    assert message.quote.time_us == START_US + 90_000
    assert message.quote.estimated


def test_quote_with_a_time_of_its_own_keeps_it() -> None:
    one = batcher()
    one.add(trade(1, 0), received(0))
    one.add(quote(at_us=5_000), received(9_000))
    message = one.flush()
    assert message is not None
    assert message.quote == Quote(99.0, 1.0, 101.0, 2.0, START_US + 5_000, estimated=False)


def test_nothing_is_said_before_the_first_trade() -> None:
    one = batcher()
    assert one.add(quote(), received(0)) == []
    assert one.add(quote(at_us=0), received(0)) == []
    assert one.flush() is None
    assert one.heartbeat(received(10_000_000)) is None


def test_heartbeat_moves_time_on_and_takes_along_what_is_pending() -> None:
    one = batcher(grace_ms=100)
    one.add(trade(1, 0), received(0))
    one.add(trade(2, 0), received(0))
    message = one.heartbeat(received(400_000))
    assert ids(message) == [2]
    assert message is not None
    assert message.seen_until_us == START_US + 300_000
    assert one.heartbeat(received(400_000)) is None
    silent = one.heartbeat(received(500_000))
    assert silent == Trades(MARKET, (), None, START_US + 400_000)


def test_repeated_ids_are_dropped_and_jumps_are_counted() -> None:
    one = batcher()
    events = [trade(number, number) for number in (5, 5, 4, 6, 9, 12, 9)]
    messages = [each for event in events for each in one.add(event, received(0))]
    last = one.flush()
    assert [number for message in [*messages, last] for number in ids(message)] == [5, 6, 9, 12]
    assert (one.duplicates, one.gaps, one.missing) == (3, 2, 4)


def test_trades_held_up_together_are_not_declared_seen_by_the_first_of_them() -> None:
    one = batcher(grace_ms=100)
    one.add(trade(1, 0), received(0))
    for number, at_us in enumerate((200_000, 300_000, 400_000), 2):
        messages = one.add(trade(number, at_us), received(700_000))
        messages += one.add(quote(), received(700_001))
        message = one.heartbeat(received(700_002))
        assert message is not None
        assert max(each.seen_until_us for each in [*messages, message]) == START_US + at_us


def test_backlog_counts_as_gone_after_as_much_time_as_it_was_long() -> None:
    one = batcher(grace_ms=100)
    one.add(trade(1, 0), received(0))
    one.add(trade(2, 200_000), received(700_000))
    message = one.heartbeat(received(1_200_000))
    assert message is not None
    assert message.seen_until_us == START_US + 1_100_000


def test_one_time_far_in_the_future_is_refused_and_a_second_is_believed() -> None:
    one = batcher()
    day_us = 86_400_000_000
    one.add(trade(1, 0), received(0))
    with pytest.raises(BadMessage, match="86399 s ahead of the exchange's clock"):
        one.add(trade(2, day_us), received(1_000_000))
    messages = one.add(trade(3, 1_000_000), received(1_000_000))
    assert messages[-1].seen_until_us == START_US + 1_000_000
    with pytest.raises(BadMessage, match="ahead"):
        one.add(trade(4, day_us), received(2_000_000))
    assert ids(one.add(trade(5, day_us), received(2_000_000))[-1]) == [5]


type Step = tuple[MarketEvent, int]


@st.composite
def sessions(draw: st.DrawFn) -> list[Step]:
    """Trades and quotes in order of arrival, some late, some repeated, some held up together."""
    steps: list[Step] = []
    now_us, number = 0, 1
    for _ in range(draw(st.integers(1, 40))):
        now_us += draw(st.sampled_from([0, 1, 10_000, 99_999, 150_000, 250_000, 900_000]))
        lag_us = draw(st.sampled_from([0, 0, 0, 3_000, 120_000, 400_000]))
        if draw(st.booleans()):
            number += draw(st.sampled_from([1, 1, 1, 0, 3]))
            steps.append((trade(number, max(0, now_us - lag_us)), received(now_us)))
        else:
            at_us = draw(st.sampled_from([None, None, max(0, now_us - lag_us)]))
            bid = draw(st.sampled_from([97.0, 98.0, 99.0]))
            steps.append((quote(bid, at_us), received(now_us)))
    return steps


def play(steps: list[Step], flush_after: list[bool]) -> list[Trades]:
    one = batcher()
    messages: list[Trades] = []
    for (event, received_us), flush in zip(steps, flush_after, strict=True):
        messages += one.add(event, received_us)
        message = one.flush() if flush else None
        if message is not None:
            messages.append(message)
    message = one.flush()
    return messages if message is None else [*messages, message]


def folded(messages: list[Trades]) -> tuple[list[Trade], dict[int, Quote], list[tuple[int, int]]]:
    """Trades, the newest quote of each bucket, and where time passed boundaries among them."""
    trades: list[Trade] = []
    newest: dict[int, Quote] = {}
    passed: list[tuple[int, int]] = []
    bucket = 0
    for message in messages:
        trades += message.trades
        if message.quote is not None:
            newest[message.quote.time_us // FINEST_US] = message.quote
        if message.seen_until_us // FINEST_US > bucket:
            bucket = message.seen_until_us // FINEST_US
            passed.append((bucket, len(trades)))
    return trades, newest, passed


@given(sessions(), st.data())
def test_batch_sizes_change_nothing_that_candles_are_made_of(
    steps: list[Step], data: st.DataObject
) -> None:
    at_random = data.draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    never = play(steps, [False] * len(steps))
    assert folded(play(steps, [True] * len(steps))) == folded(never)
    assert folded(play(steps, at_random)) == folded(never)


@given(sessions(), st.booleans())
def test_time_and_quotes_only_move_forward_and_no_trade_is_ahead_of_what_is_seen(
    steps: list[Step], flush: bool
) -> None:
    messages = play(steps, [flush] * len(steps))
    seen = [message.seen_until_us for message in messages]
    assert seen == sorted(seen)
    quotes = [message.quote.time_us for message in messages if message.quote is not None]
    assert quotes == sorted(quotes)
    for message in messages:
        assert all(each.time_us <= message.seen_until_us for each in message.trades)


def test_gaps_are_given_once_with_the_time_before_them_and_count_until_they_are_repaired() -> None:
    one = batcher()
    for number, at_us in ((1, 0), (4, 3_000), (5, 4_000), (9, 8_000)):
        one.add(trade(number, at_us), received(at_us))
    assert (one.gaps, one.missing) == (2, 5)
    assert one.take_gaps() == [
        Gap(range(2, 4), START_US, START_US + 3_000),
        Gap(range(6, 9), START_US + 4_000, START_US + 8_000),
    ]
    assert one.take_gaps() == []
    one.repaired(2)
    assert (one.gaps, one.missing) == (2, 3)


def test_what_came_another_way_is_a_duplicate_and_what_follows_on_it_no_gap() -> None:
    one = batcher()
    assert one.expected is None
    one.add(trade(1, 0), received(0))
    assert one.expected is not None
    assert (one.expected.ids.start, one.expected.since_us) == (2, START_US)
    one.skip_to(5, START_US + 4_000)
    one.skip_to(3, START_US + 2_000)
    one.add(trade(4, 4_000), received(4_000))
    one.add(trade(5, 5_000), received(5_000))
    assert (one.duplicates, one.gaps) == (1, 0)
    one.skip_to(7, START_US + 6_000)
    one.add(trade(9, 9_000), received(9_000))
    assert one.take_gaps() == [Gap(range(7, 9), START_US + 6_000, START_US + 9_000)]


def test_a_trade_that_comes_after_later_ones_is_no_duplicate_but_fills_its_gap() -> None:
    one = batcher()
    for number in (1, 5):
        one.add(trade(number, 1_000), received(1_000))
    assert (one.gaps, one.missing) == (1, 3)
    one.add(trade(3, 1_000), received(1_100))
    assert ids(one.flush()) == [5, 3]
    assert (one.trades, one.duplicates, one.missing) == (3, 0, 2)
    assert one.add(trade(3, 1_000), received(1_200)) == []
    assert one.duplicates == 1
    assert [gap.ids for gap in one.take_gaps()] == [range(2, 3), range(4, 5)]
    one.add(trade(4, 1_000), received(1_300))  # while it is asked for elsewhere
    assert ids(one.flush()) == [4]
    one.repaired(2)
    assert (one.missing, one.duplicates) == (0, 1)
    assert one.add(trade(6, 2_000), received(2_000)) == []
    assert one.gaps == 1


def test_a_late_trade_says_nothing_of_how_far_behind_the_newest_ones_are() -> None:
    in_order, late = batcher(), batcher()
    for one, numbers in ((in_order, (1, 2, 3)), (late, (1, 3, 2))):
        for number in numbers:
            one.add(trade(number, number * 1_000_000), received(3_000_000))
        one.flush()
    one, other = (each.heartbeat(received(9_000_000)) for each in (in_order, late))
    assert one is not None
    assert other is not None
    assert one.seen_until_us == other.seen_until_us
