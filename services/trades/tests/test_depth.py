"""A market's book is said as it is, or that it is not known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial

import pytest

from candles.aggregation import CandleAggregator
from exchanges.book import Book
from exchanges.catalogue import venue_named, venues
from exchanges.events import BookEvent, Levels, TradeEvent
from exchanges.venue import MarketInfo
from marketstream.errors import BadMessage
from marketstream.messages import Depth, Gap, Stall, Trade, Trades
from marketstream.recordings import RecordedFrame
from trades.replay import replay_frames
from trades.session.market import MarketSession
from trades.session.rules import Rules

MARKET = "binance:BTC/USDT"
START_US = 1_700_000_000_000_000
BIDS: Levels = ((100.0, 1.0), (99.0, 2.0))
ASKS: Levels = ((101.0, 1.0), (102.0, 2.0))


@dataclass
class Followed:
    """A session, and the depths that it has published."""

    new_book: partial[Book] = field(default_factory=lambda: partial(Book, "window"))
    levels: int = 2
    depths: list[Depth] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = Rules(levels=self.levels, new_book=self.new_book)
        self.session = MarketSession(MARKET, self._heard, rules)
        self.session.connected(START_US)
        self.trade(1, 0)

    def _heard(self, message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades) and message.depth is not None:
            self.depths.append(message.depth)

    def trade(self, number: int, at_us: int) -> None:
        trade = Trade(number, 100.5, 1.0, "buy", START_US + at_us)
        self.session.add(TradeEvent(MARKET, trade), START_US + at_us)
        self.session.flush(START_US + at_us)

    def book(self, at_us: int, bids: Levels = BIDS, asks: Levels = ASKS, **numbers: int) -> None:
        event = BookEvent(
            MARKET, bids, asks, not numbers.pop("change", 0), START_US + at_us, **numbers
        )
        self.session.book(event, START_US + at_us)
        self.session.flush(START_US + at_us)

    @property
    def last(self) -> Depth:
        return self.depths[-1]


def test_levels_are_said_at_their_pace_with_the_time_of_the_book() -> None:
    followed = Followed()
    for at_ms in (110, 150, 210):
        followed.book(at_ms * 1_000, last=at_ms)
    assert [depth.time_us - START_US for depth in followed.depths] == [110_000, 210_000]
    assert (followed.last.bids, followed.last.asks) == (BIDS, ASKS)


def test_missing_number_is_declared_once_and_the_next_snapshot_mends_it() -> None:
    followed = Followed()
    followed.book(110_000, last=1)
    followed.book(220_000, change=1, first=3, last=3)
    followed.book(330_000, change=1, first=4, last=4)
    assert len(followed.depths) == 2
    assert not followed.last.is_known
    watch = followed.session.depth
    assert watch is not None
    assert (watch.state, watch.broken) == ("broken", 1)
    assert watch.reason == "changes 3 to 3 do not follow on 1"
    followed.session.tick(START_US + 1_300_000)
    assert followed.session.drop is not None
    followed.book(1_400_000, ((100.0, 5.0),), last=9)
    assert (followed.last.bids, followed.last.asks, watch.state) == (((100.0, 5.0),), ASKS, "whole")


def test_crossed_book_is_never_used() -> None:
    followed = Followed()
    followed.book(110_000, last=1)
    followed.book(220_000, change=1, bids=((101.5, 1.0),), asks=(), first=2, last=2)
    assert [depth.is_known for depth in followed.depths] == [True, False]


def test_wrong_checksum_of_krakens_is_declared() -> None:
    new_book = partial(venue_named("kraken").new_book, 10, MarketInfo(1, 8))
    followed = Followed(new_book)
    followed.book(110_000)
    followed.book(220_000, change=1, bids=((100.0, 3.0),), asks=(), checksum=1)
    assert [depth.is_known for depth in followed.depths] == [True, False]


def test_book_that_stands_still_while_trades_come_is_stale() -> None:
    followed = Followed()
    followed.book(110_000, last=1)
    for second in range(1, 8):
        followed.trade(second + 1, second * 1_000_000)
        followed.session.tick(START_US + second * 1_000_000)
    followed.session.flush(START_US + 7_000_000)
    assert [depth.is_known for depth in followed.depths] == [True, False]


def test_book_of_a_lost_connection_is_not_known() -> None:
    followed = Followed()
    followed.book(110_000, last=1)
    followed.session.lost(START_US + 200_000)
    assert not followed.last.is_known


def test_book_of_the_future_is_put_aside_and_the_book_with_it() -> None:
    followed = Followed()
    followed.book(110_000, last=1)
    event = BookEvent(MARKET, BIDS, ASKS, is_snapshot=True, time_us=2 * START_US)
    with pytest.raises(BadMessage):
        followed.session.book(event, START_US + 220_000)
    followed.session.flush(START_US + 220_000)
    assert not followed.last.is_known


def test_without_levels_no_book_is_kept() -> None:
    followed = Followed(levels=0)
    followed.book(110_000, last=1)
    assert followed.session.depth is None
    assert followed.depths == []


@pytest.mark.parametrize("venue", venues())
def test_book_of_every_venue_begins_with_a_snapshot_and_follows_changes(venue: str) -> None:
    book = venue_named(venue).new_book(10, MarketInfo(1, 8))
    book.update(BookEvent(MARKET, BIDS, ASKS, is_snapshot=True, last=1))
    book.update(BookEvent(MARKET, ((100.0, 0.0),), (), is_snapshot=False, first=2, last=2))
    assert book.levels(10) == (BIDS[1:], ASKS)


def test_depth_of_a_replay_does_not_depend_on_how_many_frames_a_read_brings() -> None:
    def candles(frames_per_read: int) -> list[tuple[int, Depth | None]]:
        messages: list[Trades] = []

        def heard(message: Trades | Gap | Stall, received_us: int) -> None:
            del received_us
            if isinstance(message, Trades):
                messages.append(message)

        venue = venue_named("binance")
        rules = Rules(levels=5, new_book=partial(venue.new_book, 5, None), grace_ms=0)
        sessions = {MARKET: MarketSession(MARKET, heard, rules)}
        stream = venue.stream(["BTC/USDT"], "binance", levels=5)
        replay_frames(
            FRAMES, stream, sessions, lambda letter: pytest.fail(letter.reason),
            frames_per_read=frames_per_read,
        )  # fmt: skip
        aggregator = CandleAggregator(MARKET, ["250ms"])
        closed = [candle for message in messages for candle in aggregator.update(message)]
        return [(candle.open_time_ms, candle.depth) for candle in closed]

    alone = candles(1)
    assert sum(depth is not None for _, depth in alone) > 20
    assert all(candles(number) == alone for number in (3, 7, 64))


def frame_of(number: int) -> bytes:
    """A trade, or a book after every other one."""
    at_ms = START_US // 1_000 + number * 37
    if number % 2:
        trade = {"e": "trade", "s": "BTCUSDT", "t": number // 2 + 1, "p": "100.5", "q": "1"}
        return json.dumps(trade | {"T": at_ms, "m": False}, separators=(",", ":")).encode()
    data = {"lastUpdateId": number, "bids": [["100", str(number + 1)]], "asks": [["101", "1"]]}
    book = {"stream": "btcusdt@depth5@100ms", "data": data}
    return json.dumps(book, separators=(",", ":")).encode()


FRAMES = [
    RecordedFrame((START_US + number * 37_000 - 20_000) * 1_000, frame_of(number))
    for number in range(400)
]
