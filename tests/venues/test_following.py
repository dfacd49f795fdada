"""Every venue, followed by the trades part and held against what was traded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exchange_simulator import RunningExchange, SeededMarket, start
from exchange_simulator.faults.spec import parse_spec
from exchanges.catalogue import venue_named, venues
from exchanges.checks import samples_of
from exchanges.settings import HostSettings
from marketstream.fakes import LivePorts
from marketstream.messages import Gap, Trade, Trades
from marketstream.plan import Plan
from trades.build import build
from trades.settings import TradesSettings

RATE = 50.0
PATIENCE_S = 60
LOT = 8  # decimals that a lot has at most


class Followed:
    """A venue's market beside what the trades part has published of it."""

    def __init__(self, tape: SeededMarket, exchange: RunningExchange, ports: LivePorts) -> None:
        self.tape = tape
        self.exchange = exchange
        self._ports = ports

    @property
    def trades(self) -> list[Trade]:
        messages = (one for one, _ in self._ports.published if isinstance(one, Trades))
        return [trade for message in messages for trade in message.trades]

    @property
    def live(self) -> int:
        return sum(
            len(one.trades)
            for one, received_ns in self._ports.published
            if isinstance(one, Trades) and received_ns
        )

    @property
    def gaps(self) -> list[Gap]:
        """The newest writing of each gap."""
        gaps = (one for one, _ in self._ports.published if isinstance(one, Gap))
        return list({gap.identity: gap for gap in gaps}.values())

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def more_live(self, count: int) -> None:
        wanted = self.live + count
        await self.until(lambda: self.live >= wanted)

    def check(self) -> None:
        """Nothing is doubled or wrong, and what is missing lies in a gap that says so."""
        said = Counter(map(_content, self.trades))
        first_us = min(trade.time_us for trade in self.trades)
        last_us = max(trade.time_us for trade in self.trades)
        columns = self.tape.trades(first_us, last_us + 1)
        ticks, lots = 10**self.tape.price_decimals, 10**self.tape.quantity_decimals
        true = Counter(
            (us // 1_000, price / ticks, round(quantity / lots, LOT), "sell" if sells else "buy")
            for us, price, quantity, sells in zip(
                *(
                    column.tolist()
                    for column in (
                        columns.time_us, columns.price, columns.quantity, columns.buyer_is_maker,
                    )
                ),
                strict=True,
            )
        )  # fmt: skip
        assert said - true == Counter()
        for time_ms, *_ in true - said:
            inside = first_us // 1_000 < time_ms < last_us // 1_000
            declared = any(
                gap.state != "repaired"
                and gap.since_us // 1_000 <= time_ms <= (gap.until_us or last_us) // 1_000
                for gap in self.gaps
            )
            assert declared or not inside, f"{time_ms} is missing, and no gap says so"


def _content(trade: Trade) -> tuple[int, float, float, str]:
    # Some venues tell the order within a millisecond by microseconds that nobody traded at.
    return trade.time_us // 1_000, trade.price, round(trade.quantity, LOT), trade.taker


@asynccontextmanager
async def following(venue: str, folder: Path) -> AsyncIterator[Followed]:
    symbol = samples_of(venue_named(venue)).symbol
    tape = SeededMarket(symbol, 3, trades_per_second=RATE)
    async with asyncio.timeout(PATIENCE_S):
        exchange = await start([tape], venue=venue, faults=parse_spec("none"), linger_s=0.0)
        host = HostSettings(venue=venue, ws_url=exchange.ws_url, rest_url=exchange.rest_url)
        minutes = int(venue_named(venue).past == "by_id")
        settings = TradesSettings(hosts={"simulator": host}, history_minutes=minutes)
        ports = LivePorts(folder)
        part = build(Plan((f"simulator:{symbol}",), "1s", (1,)), settings, ports)
        assert part.work is not None
        working = asyncio.ensure_future(part.work())
        try:
            yield Followed(tape, exchange, ports)
        finally:
            working.cancel()
            await asyncio.wait([working])
            await exchange.close()


@pytest.fixture(params=list(venues()))
def venue(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_past_and_live_trades_join_on_every_venue(venue: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with following(venue, tmp_path) as one:
            await one.more_live(60)
            one.check()
            assert one.gaps == []
            if venue_named(venue).past == "by_id":
                assert len(one.trades) - one.live > 40 * RATE

    asyncio.run(play())


def test_what_a_cut_connection_missed_is_repaired_or_declared(venue: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with following(venue, tmp_path) as one:
            await one.more_live(20)
            assert one.exchange.faults is not None
            one.exchange.faults.begin("cut")
            await one.more_live(60)
            await one.until(lambda: all(gap.state != "open" for gap in one.gaps))
            one.check()
            if venue_named(venue).ids == "contiguous":
                assert {gap.state for gap in one.gaps} <= {"repaired"}

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["drop", "wrong_symbol"])
def test_frames_that_are_lost_or_wrong_are_made_good_where_ids_show_it(
    venue: str, kind: str, tmp_path: Path
) -> None:
    if venue_named(venue).ids != "contiguous":
        return  # nothing tells that one is missing

    async def play() -> None:
        async with following(venue, tmp_path) as one:
            await one.more_live(20)
            assert one.exchange.faults is not None
            one.exchange.faults.begin(kind, seconds=2.0, share=0.3)
            await one.more_live(60)
            one.exchange.faults.end(kind)
            await one.more_live(20)
            await one.until(lambda: all(gap.state == "repaired" for gap in one.gaps))
            one.check()

    asyncio.run(play())
