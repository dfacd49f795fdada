from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from exchanges.events import QuoteEvent, TradeEvent
from marketstream.messages import Gap, Quote, Stall, Trade, Trades
from trades.batching import TradesBatcher
from trades.session.market import MarketSession
from trades.session.rules import Rules

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


class Batcher:
    """A market that nobody can be asked about; each call returns the messages it closed."""

    def __init__(self, grace_ms: int = 100) -> None:
        self.gaps: list[Gap] = []
        self._messages: list[Trades] = []
        self.session = MarketSession(MARKET, self._heard, Rules(base_ms=250, grace_ms=grace_ms))

    def _heard(self, message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades):
            self._messages.append(message)
        elif isinstance(message, Gap):
            self.gaps.append(message)

    def add(self, event: MarketEvent, received_us: int) -> list[Trades]:
        self._messages.clear()
        self.session.add(event, received_us)
        return list(self._messages)

    def flush(self) -> Trades | None:
        self._messages.clear()
        self.session.flush(0)
        return next(iter(self._messages), None)

    def heartbeat(self, received_us: int) -> Trades | None:
        self._messages.clear()
        self.session.tick(received_us)
        return next(iter(self._messages), None)


def batcher(grace_ms: int = 100) -> Batcher:
    return Batcher(grace_ms)


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


def test_nothing_is_said_before_the_first_trade_although_the_clock_is_known() -> None:
    one = TradesBatcher(MARKET)
    one.asked_offset_us = OFFSET_US
    assert one.add_quote(99.0, 1.0, 101.0, 2.0, START_US, received(0)) == ()
    assert one.flush() is None


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
    assert (one.session.duplicates, one.session.missing) == (3, 4)


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


type Step = tuple[MarketEvent, int]


@st.composite
def sessions(draw: st.DrawFn) -> list[Step]:
    """Trades and quotes in order of arrival, some late, some repeated, some held up together."""
    steps: list[Step] = []
    now_us, number = 0, 1
    newest: TradeEvent | None = None
    for _ in range(draw(st.integers(1, 40))):
        now_us += draw(st.sampled_from([0, 1, 10_000, 99_999, 150_000, 250_000, 900_000]))
        lag_us = draw(st.sampled_from([0, 0, 0, 3_000, 120_000, 400_000]))
        if draw(st.booleans()):
            number += draw(st.sampled_from([1, 1, 1, 0, 3]))
            event = trade(number, max(0, now_us - lag_us))
            if newest is None or number > newest.trade.id:
                newest = event
            steps.append((newest, received(now_us)))
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


def test_what_nobody_can_be_asked_for_is_lost_once_it_had_time_to_come() -> None:
    one = batcher()
    for number, at_us in ((1, 0), (4, 3_000), (5, 4_000), (9, 8_000)):
        one.add(trade(number, at_us), received(at_us))
    one.heartbeat(received(50_000))
    assert (one.session.missing, one.gaps) == (5, [])
    one.heartbeat(received(200_000))
    assert [(gap.first_id, gap.end_id, gap.state) for gap in one.gaps] == [
        (2, 4, "open"), (2, 4, "lost"), (6, 9, "open"), (6, 9, "lost"),
    ]  # fmt: skip
    assert [(gap.since_us - START_US, gap.until_us) for gap in one.gaps[::2]] == [
        (0, START_US + 3_000), (4_000, START_US + 8_000),
    ]  # fmt: skip
    assert (one.session.gaps, one.session.missing) == (2, 5)


def test_a_trade_that_comes_after_later_ones_is_no_duplicate_but_fills_its_gap() -> None:
    one = batcher()
    for number in (1, 5):
        one.add(trade(number, 1_000), received(1_000))
    assert one.session.missing == 3
    one.add(trade(3, 1_000), received(1_100))
    assert ids(one.flush()) == [5, 3]
    assert (one.session.trades, one.session.duplicates, one.session.missing) == (3, 0, 2)
    assert one.add(trade(3, 1_000), received(1_200)) == []
    assert one.session.duplicates == 1
    for number in (2, 4):
        one.add(trade(number, 1_000), received(1_100))
    one.heartbeat(received(500_000))
    assert (one.session.missing, one.session.gaps, one.gaps) == (0, 0, [])


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
