"""What is told of a perpetual is said with its own times, and never made up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from candles.aggregation import CandleAggregator
from exchanges.catalogue import venue_named
from exchanges.events import ContextEvent, LiquidationEvent, TradeEvent
from marketstream.errors import BadMessage
from marketstream.messages import (
    Context,
    Funding,
    Gap,
    Liquidations,
    Reading,
    Side,
    Stall,
    Trade,
    Trades,
)
from marketstream.recordings import RecordedFrame
from trades.replay import replay_frames
from trades.session.market import MarketSession
from trades.session.rules import Rules

MARKET = "binance-usdm:BTC/USDT:USDT"
START_US = 1_700_000_000_000_000


@dataclass
class Followed:
    """A session, and what it has said of its perpetual, in times after the start."""

    apart: bool = False
    said: list[Context] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = Rules(context=True, context_apart=self.apart)
        self.session = MarketSession(MARKET, self._heard, rules)
        self.session.connected(START_US)
        trade = Trade(1, 100.0, 1.0, "buy", START_US)
        self.session.add(TradeEvent(MARKET, trade), START_US)
        self.session.flush(START_US)

    def _heard(self, message: Trades | Gap | Stall, received_us: int) -> None:
        del received_us
        if isinstance(message, Trades) and message.context is not None:
            self.said.append(message.context)

    def tell(self, at_ms: int, **parts: Any) -> None:
        at_us = START_US + at_ms * 1_000
        self.session.tell(ContextEvent(MARKET, at_us, **parts), at_us)
        self.session.flush(at_us)

    def liquidate(self, at_ms: int, side: Side, quantity: float) -> None:
        at_us = START_US + at_ms * 1_000
        self.session.tell(LiquidationEvent(MARKET, side, 99.0, quantity, at_us), at_us)
        self.session.flush(at_us)

    @property
    def last(self) -> Context:
        return self.said[-1]


def at(ms: int) -> int:
    return START_US + ms * 1_000


def sums(of: Context) -> Liquidations:
    assert of.liquidations is not None
    return of.liquidations


def test_each_part_has_its_own_time_and_what_was_not_told_is_none() -> None:
    followed = Followed()
    followed.tell(300, mark=100.5, index=100.25)
    assert (followed.last.mark, followed.last.funding, followed.last.open_interest) == (
        Reading(100.5, at(300)), None, None,
    )  # fmt: skip
    followed.tell(900, funding_rate=-0.0001, next_funding_us=at(9_000))
    followed.tell(1_300, open_interest=0.0, asked=True)
    assert followed.last == Context(
        at(1_300),
        Reading(100.5, at(300)),
        Reading(100.25, at(300)),
        Funding(-0.0001, at(900), at(9_000)),
        Reading(0.0, at(1_300)),
        Liquidations(0.0, 0.0, at(300), at(900)),  # an answer says nothing of the connection
    )


def test_it_is_said_at_its_pace_but_for_news() -> None:
    followed = Followed()
    for ms in (260, 300, 400, 499):
        followed.tell(ms, mark=100.0 + ms / 1_000)
    assert [one.time_us for one in followed.said] == [at(260)]
    followed.tell(499, index=101.0)
    followed.liquidate(499, "buy", 1.0)
    followed.tell(510, mark=101.0)
    assert [one.time_us for one in followed.said] == [at(260), at(499), at(499), at(510)]
    assert followed.said[1].mark == Reading(100.499, at(499))


def test_changes_confirm_what_the_same_connection_has_said_and_nothing_else() -> None:
    followed = Followed()
    followed.tell(300, mark=100.5, open_interest=7.0, funding_rate=0.0001)
    followed.tell(600, mark=100.6, confirms=True)
    assert followed.last.open_interest == Reading(7.0, at(600))
    assert followed.last.funding == Funding(0.0001, at(600))
    followed.session.lost(at(700))
    followed.tell(1_000, mark=100.7, confirms=True)
    assert followed.last.open_interest == Reading(7.0, at(600))
    assert followed.last.funding == Funding(0.0001, at(600))


def test_what_is_older_than_what_is_known_changes_nothing() -> None:
    followed = Followed()
    followed.tell(600, mark=100.5)
    followed.tell(300, mark=100.1, open_interest=3.0)
    assert (followed.last.mark, followed.last.time_us) == (Reading(100.5, at(600)), at(600))
    assert followed.last.open_interest == Reading(3.0, at(300))


def test_liquidations_are_summed_since_somebody_listens_each_once() -> None:
    followed = Followed()
    followed.tell(300, mark=100.5)
    followed.liquidate(350, "sell", 2.0)
    followed.liquidate(350, "sell", 2.0)  # told again by the connection that takes over
    followed.liquidate(360, "buy", 0.5)
    followed.liquidate(200, "buy", 9.0)  # before anybody listened
    assert sums(followed.last) == Liquidations(0.5, 2.0, at(300), at(360))


@pytest.mark.parametrize("apart", [False, True])
def test_a_lost_connection_ends_the_sums_where_it_is_the_one_that_told(apart: bool) -> None:
    followed = Followed(apart)
    followed.tell(300, mark=100.5)
    followed.session.lost(at(400))
    assert (followed.last.liquidations is None) is not apart
    followed.session.untold(at(450))
    assert followed.last.liquidations is None
    assert followed.last.mark == Reading(100.5, at(300))
    followed.tell(600, mark=100.5)
    assert sums(followed.last).since_us == at(600)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"mark": 201.0}, "a mark price of 201 is put aside: it is far from the last price, 100"),
        ({"index": 49.0}, "an index price of 49 is put aside"),
        ({"next_funding_us": 4_000_000_000_000_000}, "more than a week from what is told at"),
    ],
)
def test_what_cannot_be_is_put_aside(parts: dict[str, Any], reason: str) -> None:
    followed = Followed()
    with pytest.raises(BadMessage, match=reason):
        followed.tell(300, **parts)
    with pytest.raises(BadMessage, match="ahead of the exchange's clock"):
        followed.session.tell(ContextEvent(MARKET, at(9_000), mark=100.0), at(300))
    assert followed.said == []


def test_before_the_first_trade_no_time_is_seen_whatever_is_told() -> None:
    heard: list[Trades | Gap | Stall] = []
    rules = Rules(ids="opaque", context=True)
    session = MarketSession(MARKET, lambda message, _: heard.append(message), rules)
    session.start(START_US, from_us=None, exchange_us=START_US)
    session.connected(START_US)
    for ms in (300, 600):
        session.tell(ContextEvent(MARKET, at(ms), mark=1.0), at(ms))
        session.flush(at(ms))
        session.tick(at(ms))
    assert heard == []
    session.add(TradeEvent(MARKET, Trade(7, 1.0, 1.0, "buy", at(700))), at(700))
    session.tell(ContextEvent(MARKET, at(900), index=1.0), at(900))
    session.flush(at(900))
    (message,) = [one for one in heard if isinstance(one, Trades) and one.context is not None]
    assert message.context is not None
    assert message.context.mark == Reading(1.0, at(600))


def test_without_the_setting_nothing_is_kept() -> None:
    session = MarketSession(MARKET, lambda message, _: pytest.fail(str(message)), Rules())
    session.tell(ContextEvent(MARKET, START_US, mark=1.0), START_US)
    assert session.context is None


def test_candles_of_a_replay_do_not_depend_on_how_many_frames_a_read_brings() -> None:
    def candles(frames_per_read: int) -> list[tuple[int, Context | None]]:
        messages: list[Trades] = []

        def heard(message: Trades | Gap | Stall, received_us: int) -> None:
            del received_us
            if isinstance(message, Trades):
                messages.append(message)

        sessions = {MARKET: MarketSession(MARKET, heard, Rules(context=True, grace_ms=0))}
        told = venue_named("binance-usdm").context
        assert told is not None
        replay_frames(
            FRAMES, told.stream(["BTC/USDT:USDT"], "binance-usdm"), sessions,
            lambda letter: pytest.fail(letter.reason), frames_per_read=frames_per_read,
        )  # fmt: skip
        aggregator, other = (CandleAggregator(MARKET, ["250ms", "1s"]) for _ in range(2))
        closed = []
        for number, message in enumerate(messages):
            closed += aggregator.update(message)
            if number % 50 == 0:  # a restart anywhere changes nothing
                other.restore(aggregator.snapshot())
                aggregator, other = other, aggregator
        for candle in closed:
            assert candle.context is None or candle.context.time_us < candle.close_time_ms * 1_000
        return [(candle.open_time_ms, candle.context) for candle in closed]

    alone = candles(1)
    assert sum(context is not None for _, context in alone) > 20
    assert alone[-1][1] is not None
    assert all(getattr(alone[-1][1], part) is not None for part in Context.__struct_fields__)
    assert all(candles(number) == alone for number in (3, 7, 64))


def frame_of(number: int) -> bytes:
    """A trade, and after every other one something else that is told."""
    ms = START_US // 1_000 + number * 37
    frame: dict[str, Any]
    if number % 2:
        frame = {"e": "trade", "s": "BTCUSDT", "t": number // 2 + 1, "p": "100.5", "q": "1"}
        frame |= {"T": ms, "m": False}
    elif number % 3 == 0:
        frame = {"openInterest": str(number), "symbol": "BTCUSDT", "time": ms - 20}
    elif number % 5 == 0:
        order = {"s": "BTCUSDT", "S": "SELL", "q": "0.1", "p": "100", "T": ms}
        data = {"e": "forceOrder", "E": ms, "o": order}
        frame = {"stream": "btcusdt@forceOrder", "data": data}
    else:
        frame = {"e": "markPriceUpdate", "E": ms, "s": "BTCUSDT", "p": "100.5", "i": "100"}
        frame |= {"r": "0.0001", "T": ms + 1_000_000}
    return json.dumps(frame, separators=(",", ":")).encode()


FRAMES = [
    RecordedFrame((START_US + number * 37_000 - 20_000) * 1_000, frame_of(number))
    for number in range(400)
]


def test_what_is_told_late_is_as_of_no_time_before_any_part_that_is_told_with_it() -> None:
    """A mark of the same quarter of a second is not said by itself; what is said next has it."""
    followed = Followed()
    followed.tell(1_010, mark=100.0)
    followed.tell(1_110, mark=101.0)
    assert followed.last.mark == Reading(100.0, at(1_010))
    followed.liquidate(1_060, "sell", 1.0)
    assert followed.last.mark == Reading(101.0, at(1_110))
    assert followed.last.time_us == at(1_110)
