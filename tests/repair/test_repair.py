"""Lost connections and dropped frames, over real sockets: in the end no trade is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from exchanges.catalogue import venue_named
from exchanges.sources import Source
from exchanges.venue import Venue
from marketstream.messages import Candle, Gap, Stall, Trade, Trades
from marketstream.metrics import Metrics
from trades.asking import Asking
from trades.backoff import Backoff
from trades.feed import Feed
from trades.session.market import MarketSession
from trades.session.rules import Known, Rules

from .flaky import LOST_MS, FlakyExchange, serving

MARKET = "binance:BTC/USDT"
RATE = 200.0
FULL_PAGES = 1_000.0, 1_400  # trades a second and ms missed: more than a page
PATIENCE_S = 150


def tape(rate: float = RATE) -> SeededMarket:
    return SeededMarket("BTC/USDT", 1, trades_per_second=rate)


class Follower:
    """A feed with its repair, and what was published by way of it."""

    def __init__(
        self, exchange: FlakyExchange, hold_s: float, past: Trade | None, venue: Venue
    ) -> None:
        self.venue = venue
        self.exchange = exchange
        self.hold_s = hold_s
        self.past = past
        self.metrics = Metrics(CollectorRegistry())
        self.trades: list[Trade] = []
        self.gaps: list[Gap] = []
        self.candles: dict[int, Candle] = {}
        self.first: list[Candle] = []
        self._aggregator = CandleAggregator(MARKET, ["100ms"])

    def _publish(self, message: Trades | Gap | Stall, _received_us: int) -> None:
        if isinstance(message, Gap):
            self.gaps.append(message)
        if not isinstance(message, Trades):
            return
        self.trades += message.trades
        for candle in self._aggregator.update(message):
            self.candles[candle.open_time_ms] = candle
            if candle.revision == 0:
                self.first.append(candle)

    async def run(self) -> None:
        exchange = self.exchange
        source = Source("binance", self.venue, exchange.ws_url, exchange.rest_url, ("BTC/USDT",))
        self.session = MarketSession(
            MARKET,
            self._publish,
            Rules(
                base_ms=100, price_decimals=2, quantity_decimals=5, hold_s=self.hold_s,
                asks=source.has_past, denied_wait_s=(0.2, 0.2),
            ),
        )  # fmt: skip
        now_us = time.time_ns() // 1_000
        past = self.past
        if past is not None:
            self.session.start(
                now_us, from_us=past.time_us, known=Known(past.id, past.time_us, [past])
            )
        self.feed = Feed(
            source.stream(),
            {MARKET: self.session},
            ws_url=source.ws_url,
            publish_dead_letter=lambda letter: pytest.fail(letter.reason),
            heartbeat_s=0.05,
            backoff=Backoff(first_s=0.05, longest_s=0.05),
        )
        async with source.client(timeout_s=5, patience_s=5) as client, asyncio.TaskGroup() as tasks:
            asking = Asking(
                client, {MARKET: self.session}, self.metrics,
                now_us=lambda: time.time_ns() // 1_000, pause=lambda: asyncio.sleep(0),
            )  # fmt: skip
            tasks.create_task(self.feed.run())
            tasks.create_task(asking.run())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    def is_whole(self) -> bool:
        """Say whether no trade is missing between the first and the last."""
        count = sum(trade.count for trade in self.trades)
        ids = [trade.id for trade in self.trades]
        return count == max(ids) - min(ids) + 1

    async def more(self, count: int) -> None:
        """Wait for so many more trades."""
        wanted = len(self.trades) + count
        await self.until(lambda: len(self.trades) >= wanted)

    @property
    def fates(self) -> dict[tuple[str, int, int, int], Gap]:
        """What became of the gaps that are not open any more."""
        return {gap.identity: gap for gap in self.gaps if gap.state != "open"}

    def metric(self, name: str) -> float:
        value = self.metrics._registry.get_sample_value(name, {"market": MARKET})
        return 0.0 if value is None else value


async def followed(
    course: Callable[[Follower], Awaitable[None]],
    hold_s: float = 5.0,
    past: Trade | None = None,
    rate: float = RATE,
    venue: Venue | None = None,
    rest: str = "answers",
) -> Follower:
    """Follow the market while something happens; return who followed."""
    async with serving([tape(rate)]) as exchange, asyncio.timeout(PATIENCE_S):
        exchange.rest = rest
        follower = Follower(exchange, hold_s, past, venue or venue_named("binance"))
        running = asyncio.create_task(follower.run())
        try:
            await follower.more(50)
            await course(follower)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return follower


def assert_no_trade_is_missing_or_twice(trades: Sequence[Trade]) -> None:
    ids = [number for one in trades for number in range(one.id - one.count + 1, one.id + 1)]
    assert sorted(ids) == list(range(min(ids), min(ids) + len(ids)))


def assert_equal_to_the_ledger(follower: Follower, rate: float = RATE) -> list[Candle]:
    """Compare the last revisions, but for the first candle; return them."""
    candles = [candle for _, candle in sorted(follower.candles.items())]
    while candles[-1].complete is None:  # not proven yet
        candles.pop()
    assert all(one.close_time_ms == two.open_time_ms for one, two in pairwise(candles))
    ledger = CandleAggregator(MARKET, ["100ms"])
    from_us, to_us = candles[0].open_time_ms * 1_000, candles[-1].close_time_ms * 1_000
    messages = trades_messages(tape(rate), MARKET, from_us, to_us)
    expected = [candle for message in messages for candle in ledger.update(message)]
    whole = expected[1 : len(candles)]  # the ledger goes on to a full second
    assert [what_traded(c) for c in candles[1:]] == [what_traded(c) for c in whole]
    return candles[1:]


def what_traded(candle: Candle) -> tuple[object, ...]:
    return (
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume,
        candle.quote_volume, candle.trade_count, candle.taker_buy_volume,
        candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
        candle.complete, candle.expected_count,
    )  # fmt: skip


@pytest.mark.parametrize(("rate", "lost_ms"), [(RATE, LOST_MS), FULL_PAGES])
def test_after_cut_connections_no_trade_is_missing_and_none_is_late(
    rate: float, lost_ms: int
) -> None:
    async def course(follower: Follower) -> None:
        for number in range(1, 5):
            follower.exchange.cut(lost_ms)
            await follower.until(lambda: follower.exchange.connections > number)  # noqa: B023
            await follower.more(round(0.4 * rate))
        await follower.until(lambda: follower.session.missing == 0)

    follower = asyncio.run(followed(course, rate=rate))
    assert follower.exchange.connections == 5
    assert follower.metric("realtime_trades_repaired_total") > 4 * (lost_ms / 1_000 - 0.1) * rate
    assert follower.metric("realtime_gaps_unrepaired_total") == 0
    assert_no_trade_is_missing_or_twice(follower.trades)
    ids = [trade.id for trade in follower.trades]
    assert ids == sorted(ids)  # what was missed comes before the live trades
    candles = assert_equal_to_the_ledger(follower, rate)
    assert all(candle.complete is not False for candle in follower.first[1:])
    assert not any(candle.filled for candle in candles)


def test_trades_dropped_within_a_connection_are_fetched_and_candles_say_filled() -> None:
    async def course(follower: Follower) -> None:
        exchange = follower.exchange
        exchange.drop_every = 10
        await follower.more(200)
        exchange.drop_every = 0
        await follower.more(10)
        await follower.until(
            lambda: follower.metric("realtime_trades_repaired_total") == exchange.dropped
        )

    follower = asyncio.run(followed(course))
    assert follower.exchange.connections == 1
    assert follower.exchange.dropped >= 19
    assert (follower.session.gaps > 10, follower.session.missing) == (True, 0)
    assert_no_trade_is_missing_or_twice(follower.trades)
    candles = assert_equal_to_the_ledger(follower)
    assert any(candle.complete is False for candle in follower.first[1:])
    assert any(candle.filled and candle.revision > 0 for candle in candles)


@pytest.mark.parametrize("rest", ["refuses", "hangs"])
def test_without_rest_live_trades_go_on_and_the_gap_is_declared_until_it_is_back(
    rest: str,
) -> None:
    waited_s: list[float] = []

    async def course(follower: Follower) -> None:
        exchange, loop = follower.exchange, asyncio.get_running_loop()
        exchange.rest = rest
        exchange.cut()
        await follower.until(lambda: exchange.connections > 1)
        started_s = loop.time()
        await follower.more(1)
        waited_s.append(loop.time() - started_s)
        await follower.until(lambda: any(c.complete is False for c in follower.first[1:]))
        exchange.rest = "answers"
        await follower.until(follower.is_whole)
        await follower.more(60)

    follower = asyncio.run(followed(course, hold_s=0.5))
    assert waited_s[0] < 1.5
    assert follower.session.gaps == 1
    assert_no_trade_is_missing_or_twice(follower.trades)
    candles = assert_equal_to_the_ledger(follower)
    assert any(candle.filled for candle in candles)


def test_what_a_start_could_not_read_of_the_past_is_a_gap_like_any_other() -> None:
    now_us = time.time_ns() // 1_000
    messages = trades_messages(tape(), MARKET, now_us - 3_000_000, now_us - 2_000_000)
    past = [trade for message in messages for trade in message.trades][-1]

    async def course(follower: Follower) -> None:
        await follower.until(lambda: [gap.state for gap in follower.gaps] == ["open"])
        follower.exchange.rest = "answers"
        await follower.until(lambda: follower.metric("realtime_trades_repaired_total") > 0)
        await follower.until(lambda: [gap.state for gap in follower.gaps] == ["open", "repaired"])

    follower = asyncio.run(followed(course, past=past, hold_s=0.3, rest="refuses"))
    assert_no_trade_is_missing_or_twice([past, *follower.trades])
    assert min(trade.id for trade in follower.trades) == past.id + 1


def test_where_nothing_can_be_asked_for_a_gap_is_lost_at_once() -> None:
    async def course(follower: Follower) -> None:
        exchange = follower.exchange
        exchange.drop_every = 30
        await follower.more(60)
        exchange.drop_every = 0
        await follower.until(lambda: follower.metric("realtime_gaps_unrepaired_total") >= 1)

    venue = replace(venue_named("binance"), past="none")
    follower = asyncio.run(followed(course, venue=venue))
    opened = {gap.identity for gap in follower.gaps if gap.state == "open"}
    lost = next(gap for gap in follower.gaps if gap.state != "open")
    assert (lost.state, lost.identity in opened) == ("lost", True)
    assert lost.reason == "there is nobody to ask for trades of the past"
    assert follower.metric("realtime_trades_repaired_total") == 0
    assert follower.metric("realtime_gaps_unrepaired_total") >= 1
    assert follower.session.missing >= 1


def test_trades_that_the_exchange_does_not_have_either_make_a_gap_lost() -> None:
    async def course(follower: Follower) -> None:
        exchange = follower.exchange
        exchange.unknown_every = 3
        exchange.drop_every = 30
        await follower.more(200)
        exchange.drop_every = 0
        await follower.until(lambda: len(follower.fates) >= exchange.dropped)

    follower = asyncio.run(followed(course))
    states = {gap.state for gap in follower.fates.values()}
    assert states == {"repaired", "lost"}
    times = {trade.id: trade.time_us for trade in follower.trades}
    for (_, first_id, end_id, _), gap in follower.fates.items():
        assert (gap.since_us, gap.until_us) == (times[first_id - 1], times[end_id])
        if gap.state == "repaired":
            assert first_id in times
        else:
            assert first_id not in times
            assert gap.reason == "the exchange does not have 1 of these trades"
    lost = sum(gap.state == "lost" for gap in follower.fates.values())
    assert follower.session.missing == lost


def test_a_connection_lost_again_while_the_past_is_asked_for_doubles_no_trade() -> None:
    async def course(follower: Follower) -> None:
        exchange = follower.exchange
        exchange.rest = "hangs"
        for number in (1, 2):
            exchange.cut()
            await follower.until(lambda: exchange.connections > number)  # noqa: B023
            received = follower.session.trades
            await follower.until(lambda: follower.session.trades > received + 40)  # noqa: B023
        exchange.rest = "answers"
        await follower.until(lambda: follower.session.missing == 0)
        await follower.more(100)

    follower = asyncio.run(followed(course, hold_s=20))
    assert_no_trade_is_missing_or_twice(follower.trades)
    assert_equal_to_the_ledger(follower)
    ids = [trade.id for trade in follower.trades]
    assert ids == sorted(ids)
    assert {gap.state for gap in follower.gaps} == {"repaired"}
