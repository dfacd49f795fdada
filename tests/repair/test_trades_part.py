"""The trades part, by ports alone: past and live trades join, gaps and status are said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from marketstream.errors import SettingsError
from marketstream.fakes import FakePorts
from marketstream.messages import Feed, Gap, Status, Trade, Trades
from marketstream.plan import Plan
from marketstream.ports import Part
from trades.build import build
from trades.session.rules import Known
from trades.settings import TradesSettings
from trades.sharing import shared_out

from .flaky import FlakyExchange, serving

MARKET = "simulator:BTC/USDT"
RATE = 200.0
PATIENCE_S = 60


class Ports(FakePorts):
    """Ports by real time, whose messages are looked at by kind."""

    ahead_s = 0.0

    def clock(self) -> int:
        return time.time_ns() + round(self.ahead_s * 1e9)

    @property
    def trades(self) -> list[tuple[Trade, int]]:
        """The trades published, and when each was received."""
        return [
            (trade, received_ns)
            for message, received_ns in self.published
            if isinstance(message, Trades)
            for trade in message.trades
        ]

    @property
    def gaps(self) -> list[Gap]:
        return [message for message, _ in self.published if isinstance(message, Gap)]

    @property
    def said(self) -> list[Feed]:
        return [
            message.said
            for message, _ in self.published
            if isinstance(message, Status) and isinstance(message.said, Feed)
        ]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics._registry.get_sample_value(name, labels)


@dataclass
class Running:
    """A part that runs against an exchange."""

    exchange: FlakyExchange
    ports: Ports
    part: Part

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    async def live(self, count: int) -> None:
        """Wait for so many more live trades."""
        wanted = self.live_count + count
        await self.until(lambda: self.live_count >= wanted)

    @property
    def live_count(self) -> int:
        return sum(received_ns > 0 for _, received_ns in self.ports.trades)


def tape() -> SeededMarket:
    return SeededMarket("BTC/USDT", 1, trades_per_second=RATE)


def past(from_s: float, to_s: float) -> list[Trades]:
    """What the exchange said between two moments, in seconds from now."""
    now_us = time.time_ns() // 1_000
    from_us, to_us = (now_us + round(seconds * 1e6) for seconds in (from_s, to_s))
    return list(trades_messages(tape(), MARKET, from_us, to_us))


@asynccontextmanager
async def running(
    folder: Path,
    history_minutes: int = 1,
    tail: list[Trades] | None = None,
    resumed: Callable[[], Mapping[str, Known]] | None = None,
    rest: str = "answers",
    ahead_s: float = 0.0,
) -> AsyncIterator[Running]:
    async with serving([tape()]) as exchange, asyncio.timeout(PATIENCE_S):
        exchange.rest = rest
        ports = Ports(folder)
        ports.ahead_s = ahead_s
        ports.tails = {"trades": {MARKET: list(tail or ())}}
        settings = TradesSettings(
            ws_url=exchange.ws_url, rest_url=exchange.rest_url, history_minutes=history_minutes
        )
        part = build(Plan((MARKET,), "1s", (1,)), settings, ports, resumed=resumed)
        assert part.work is not None
        assert part.health()["status"] == "starting"
        working = asyncio.ensure_future(part.work())
        try:
            yield Running(exchange, ports, part)
        finally:
            working.cancel()
            await asyncio.wait([working])
            assert working.cancelled()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def course() -> None:
        await test()

    asyncio.run(course())


def assert_whole(trades: list[tuple[Trade, int]]) -> None:
    """No trade is missing or twice, and they are in order."""
    ids = [number for one, _ in trades for number in range(one.id - one.count + 1, one.id + 1)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_past_and_live_trades_join_without_a_seam_and_the_status_says_how_far(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with running(tmp_path) as one:
            await one.live(100)
            await one.until(lambda: one.ports.said[-1].history == 1.0)
            ports = one.ports
            assert_whole(ports.trades)
            received = [received_ns for _, received_ns in ports.trades]
            history = received.count(0)
            assert history > 50 * RATE
            assert set(received[:history]) == {0}
            assert all(received_ns > 0 for received_ns in received[history:])
            first, last = ports.said[0], ports.said[-1]
            assert (first.connected, first.history < 1.0) == (False, True)
            assert replace(last, quote_lag_ms=None) == Feed(
                connected=True, reconnects=0, missing_trades=0, history=1.0
            )
            assert one.part.health() == {"status": "ok", "connected": True}
            counted = ports.metric("realtime_trades_total", market=MARKET)
            assert counted == len(ports.trades)
            assert ports.metric("realtime_gaps_total", market=MARKET) == 0
            assert ports.metric("realtime_reconnects_total", exchange="simulator") == 0

    run(test)


def test_what_was_published_before_a_stop_is_followed_on(tmp_path: Path) -> None:
    tail = past(-20, -10)
    last = [trade for message in tail for trade in message.trades][-1]

    async def test() -> None:
        async with running(tmp_path, tail=tail) as one:
            await one.live(20)
            first, _ = one.ports.trades[0]
            assert first.id - first.count == last.id
            assert_whole(one.ports.trades)
            assert one.ports.gaps == []

    run(test)


def test_what_a_stop_of_longer_than_the_history_missed_is_declared_lost(tmp_path: Path) -> None:
    tail = past(-100, -90)
    last = [trade for message in tail for trade in message.trades][-1]

    async def test() -> None:
        async with running(tmp_path, tail=tail) as one:
            await one.live(20)
            first, _ = one.ports.trades[0]
            (gap,) = one.ports.gaps
            assert (gap.first_id, gap.end_id) == (last.id + 1, first.id - first.count + 1)
            assert (gap.since_us, gap.until_us) == (last.time_us, first.time_us)
            assert (gap.state, gap.reason) == ("lost", "not in what was read of the past")

    run(test)


def test_a_clock_that_is_ahead_gives_nothing_up_where_the_exchange_does_not_tell_the_time(
    tmp_path: Path,
) -> None:
    tail = past(-40, -30)
    last = [trade for message in tail for trade in message.trades][-1]

    async def test() -> None:
        async with running(tmp_path, tail=tail, rest="no clock", ahead_s=60) as one:
            await one.live(20)
            first, _ = one.ports.trades[0]
            assert first.id - first.count == last.id
            assert_whole(one.ports.trades)
            assert one.ports.gaps == []

    run(test)


def test_an_exchange_whose_clock_is_an_hour_ahead_is_followed_on(tmp_path: Path) -> None:
    tail = past(-20, -10)
    last = [trade for message in tail for trade in message.trades][-1]

    async def test() -> None:
        async with running(tmp_path, tail=tail, rest="clock ahead") as one:
            await one.live(20)
            first, _ = one.ports.trades[0]
            assert first.id - first.count == last.id
            assert_whole(one.ports.trades)
            assert one.ports.gaps == []
            now_us = time.time_ns() // 1_000 + 1_000_000
            said = [message for message, _ in one.ports.published if isinstance(message, Trades)]
            assert all(message.seen_until_us <= now_us for message in said)
            quotes = [message.quote for message in said if message.quote is not None]
            assert all(quote.time_us <= now_us for quote in quotes)

    run(test)


@pytest.mark.parametrize("traded", [True, False])
def test_what_was_resumed_elsewhere_is_not_published_again(tmp_path: Path, traded: bool) -> None:
    now_us = time.time_ns() // 1_000_000_000 * 1_000_000
    for end_us in range(now_us - 5_000_000, now_us - 15_000_000, -1_000_000):
        before = list(trades_messages(tape(), MARKET, end_us - 3_000_000, end_us))
        last = [trade for message in before for trade in message.trades][-1]
        if last.time_us < end_us - 1_000:  # REST is asked from a millisecond on
            break

    async def test() -> None:
        def resumed() -> Mapping[str, Known]:
            return {MARKET: Known(last.id if traded else None, end_us - 1, price=last.price)}

        async with running(tmp_path, resumed=resumed) as one:
            await one.live(20)
            first, _ = one.ports.trades[0]
            assert first.id - first.count == last.id
            assert_whole(one.ports.trades)

    run(test)


def test_without_history_live_trades_begin_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path, history_minutes=0) as one:
            await one.live(20)
            assert all(received_ns > 0 for _, received_ns in one.ports.trades)
            assert {said.history for said in one.ports.said} == {1.0}
            assert one.part.health()["status"] == "ok"

    run(test)


def test_trades_that_the_stream_leaves_out_are_a_gap_until_they_are_repaired(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with running(tmp_path, history_minutes=0) as one:
            exchange, ports = one.exchange, one.ports
            exchange.drop_every = 25
            await one.live(100)
            exchange.drop_every = 0
            await one.live(10)
            await one.until(
                lambda: sum(gap.state == "repaired" for gap in ports.gaps) == exchange.dropped
            )
            by_identity: dict[tuple[str, int, int, int], list[Gap]] = {}
            for gap in ports.gaps:
                by_identity.setdefault(gap.identity, []).append(gap)
            assert len(by_identity) == exchange.dropped
            times = {trade.id: trade.time_us for trade, _ in ports.trades}
            for (_, first_id, end_id, _), states in by_identity.items():
                assert [gap.state for gap in states] == ["open", "repaired"]
                assert {gap.since_us for gap in states} == {times[first_id - 1]}
                assert {gap.until_us for gap in states} == {times[end_id]}
            mended = [one.id for one, received_ns in ports.trades if received_ns == 0]
            assert sorted(mended) == sorted(first_id for _, first_id, _, _ in by_identity)
            await one.until(lambda: ports.said[-1].missing_trades == 0)
            await one.until(
                lambda: ports.metric("realtime_gaps_total", market=MARKET) == exchange.dropped
            )

    run(test)


def test_what_a_lost_connection_missed_is_published_before_the_live_trades_and_declared(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with running(tmp_path, history_minutes=0) as one:
            await one.live(20)
            one.exchange.cut()
            await one.until(lambda: one.exchange.connections > 1)
            await one.live(100)
            await one.until(lambda: one.ports.said[-1].reconnects > 0)
            assert_whole(one.ports.trades)
            caught_up = [trade for trade, received_ns in one.ports.trades if received_ns == 0]
            (gap,) = one.ports.gaps
            assert gap.state == "repaired"
            assert gap.first_id == caught_up[0].id - caught_up[0].count + 1
            assert gap.end_id == caught_up[-1].id + 1
            assert gap.since_us <= caught_up[0].time_us

    run(test)


def test_a_market_of_nobody_we_know_needs_to_be_told_where_it_is(tmp_path: Path) -> None:
    plan = Plan(("simulator-7:BTC/USDT",), "1s", (1,))
    with pytest.raises(SettingsError, match=r"'simulator-7' .* EXCHANGE_HOSTS"):
        build(plan, TradesSettings(), FakePorts(tmp_path))
    settings = TradesSettings(rest_url="http://127.0.0.1")
    with pytest.raises(SettingsError, match="not a WebSocket URL"):
        build(plan, settings, FakePorts(tmp_path))


def test_an_instance_without_a_market_waits_and_is_well(tmp_path: Path) -> None:
    async def test() -> None:
        plan = Plan((MARKET,), "1s", (1,))
        (idle,) = [at for at in (0, 1) if not shared_out(plan.markets, at, 2)]
        part = build(plan, TradesSettings(instance=idle, instances=2), FakePorts(tmp_path))
        assert part.work is not None
        assert part.health() == {"status": "ok", "connected": True}
        with pytest.raises(TimeoutError):  # it does not end: whoever runs it would start it again
            await asyncio.wait_for(part.work(), 0.05)

    run(test)
