"""Frames that come many at once say what they say one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from exchanges.events import Event, QuoteEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import DeadLetter, Gap, Stall, Trade, Trades
from trades.intake import Intake
from trades.session.market import MarketSession
from trades.session.rules import Rules

MARKETS = ("binance:BTC/USDT", "binance:ETH/USDT")
START_US = 1_723_161_600_000_000

type Said = list[tuple[Trades | Gap | Stall, int]]
type Read = Sequence[tuple[int, int]]
"""What came with a socket read: receive time in µs, and the number of the event."""


@dataclass(frozen=True)
class Numbered:
    """A stream whose frames are the numbers of events that are there already."""

    events: Sequence[Event]
    name: str = "binance"

    def parse(self, frame: bytes) -> Event:
        return self.events[int(frame)]


def sessions_of(said: Said) -> dict[str, MarketSession]:
    def publish(message: Trades | Gap | Stall, received_us: int) -> None:
        said.append((message, received_us))

    return {market: MarketSession(market, publish, Rules()) for market in MARKETS}


def state_of(session: MarketSession) -> tuple[object, ...]:
    batcher = session.batcher
    return (
        session.trades, session.duplicates, session.quotes, session.ledger.ids.next_id,
        session.price, session.missing, batcher.newest_us, batcher.newest_received_us,
        batcher.seen_until_us, batcher.offset_us, batcher.pending,
    )  # fmt: skip


def many_at_once(events: Sequence[Event], reads: Sequence[Read]) -> tuple[Said, list[object]]:
    said: Said = []
    letters: list[DeadLetter] = []
    sessions = sessions_of(said)
    intake = Intake(Numbered(events), sessions, letters.append)  # type: ignore[arg-type]
    for read in reads:
        frames = [(at_us * 1_000, b"%d" % number) for at_us, number in read]
        assert list(intake.take(frames)) == []
        intake.flush()
        for session in sessions.values():
            session.tick(read[-1][0])
    assert intake.counts().frames == len(events)
    return said, [len(letters), *map(state_of, sessions.values())]


def one_by_one(events: Sequence[Event], reads: Sequence[Read]) -> tuple[Said, list[object]]:
    """Give each event to its session itself: nothing is usual there."""
    said: Said = []
    refused = 0
    sessions = sessions_of(said)
    for read in reads:
        touched = {}
        for at_us, number in read:
            event = events[number]
            assert isinstance(event, TradeEvent | QuoteEvent)
            refused += 1
            with contextlib.suppress(BadMessage):
                sessions[event.market].add(event, at_us)
                touched[event.market] = sessions[event.market]
                refused -= 1
        for session in touched.values():
            session.flush(read[-1][0])
        for session in sessions.values():
            session.tick(read[-1][0])
    return said, [refused, *map(state_of, sessions.values())]


@st.composite
def tapes(draw: st.DrawFn) -> tuple[list[Event], list[Read]]:
    """Draw what two markets say: most trades as usual, some with a wrong id, time or price."""
    events: list[Event] = []
    reads: list[list[tuple[int, int]]] = [[]]
    now_us = START_US
    ids = dict.fromkeys(MARKETS, 1_000)
    for number in range(draw(st.integers(1, 120))):
        market = draw(st.sampled_from(MARKETS))
        now_us += draw(st.sampled_from((0, 200, 500, 2_000) * 5 + (300_000, 29_000_000)))
        kind = draw(st.sampled_from(("usual",) * 12 + ("quote", "quote", "ids", "time", "price")))
        wrong = draw(st.sampled_from((-400_000, -1_000, 1_000, 5_000, 700_000, 5_000_000)))
        if kind == "quote":
            events.append(QuoteEvent(market, 99.0, 1.0, 101.0, 1.0, None))
        else:
            ids[market] += draw(st.sampled_from((-2, 0, 2, 5, 500))) if kind == "ids" else 1
            time_us = now_us + (wrong if kind == "time" else 0)
            price = draw(st.sampled_from((10.0, 190.0, 1_000.0))) if kind == "price" else 100.0
            events.append(TradeEvent(market, Trade(ids[market], price, 1.0, "buy", time_us)))
        late_us = draw(st.sampled_from((1_500,) * 6 + (900, 30_000, 31_000_000)))
        reads[-1].append((now_us + late_us, number))
        if draw(st.integers(0, 9)) == 0:
            reads.append([])
    return events, [read for read in reads if read]


@given(tapes())
def test_frames_taken_many_at_once_say_what_they_say_one_by_one(
    tape: tuple[list[Event], list[Read]],
) -> None:
    assert many_at_once(*tape) == one_by_one(*tape)
