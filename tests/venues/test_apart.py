"""What is told of perpetuals beside their trades neither holds those up nor ends with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from exchange_simulator import SeededMarket, start
from exchanges.binance_usdm.stream import UsdmContext
from exchanges.catalogue import venue_named
from exchanges.events import ContextEvent
from exchanges.sources import Source
from marketstream.fakes import LivePorts
from marketstream.messages import Context, DeadLetter, Trades
from marketstream.plan import Plan
from trades.apart import Apart, Told
from trades.following import Following
from trades.intake import Counts
from trades.session.market import MarketSession
from trades.session.rules import Rules
from trades.settings import TradesSettings

from .live import PATIENCE_S

SYMBOL = "BTC/USDT:USDT"
MARKET = f"binance-usdm:{SYMBOL}"
START_US = 1_700_000_000_000_000


class Closed(UsdmContext):
    """A route at which nobody listens."""

    def stream_url(self, ws_url: str) -> str:
        del ws_url
        return "ws://127.0.0.1:9/market/ws"


def test_a_route_by_which_nothing_is_told_is_given_up_and_answers_are_no_sign_of_it() -> None:
    session = MarketSession(MARKET, lambda message, _: None, Rules(context=True))
    told = Told(session)
    told.connected(START_US)
    told.tell(ContextEvent(MARKET, START_US, mark=1.0), START_US)
    late_us = START_US + 31_000_000
    told.tell(ContextEvent(MARKET, late_us, open_interest=1.0, asked=True), late_us)
    told.tick(late_us, alive=False)
    assert drop_of(told) is None
    told.tick(late_us)
    assert drop_of(told) == f"nothing is told of {MARKET}"
    told.lost(late_us)
    told.connected(late_us)
    told.tick(late_us + 1)
    assert drop_of(told) is None
    assert session.drop is None


def test_one_of_which_nothing_is_told_begins_the_connection_anew_ever_more_seldom() -> None:
    session = MarketSession(MARKET, lambda message, _: None, Rules(context=True))
    told, now_us, seconds = Told(session), START_US, list[int]()
    while len(seconds) < 9:
        told.connected(now_us)
        since_us = now_us
        while drop_of(told) is None:
            now_us += 1_000_000
            told.tick(now_us)
        told.lost(now_us)
        seconds.append((now_us - since_us) // 1_000_000 - 1)
    assert seconds == [30, 60, 120, 240, 480, 960, 1_920, 1_920, 1_920]
    told.connected(now_us)
    told.tell(ContextEvent(MARKET, now_us, mark=1.0), now_us)
    told.tick(now_us + 31_000_000)
    assert drop_of(told) is not None


def drop_of(told: Told) -> str | None:
    return told.drop


def test_a_venue_that_tells_all_by_one_connection_has_none_beside() -> None:
    venue = venue_named("okx-swap")
    source = Source("okx-swap", venue, "ws://127.0.0.1:9", "http://127.0.0.1:9", (SYMBOL,))

    async def run() -> Counts:
        apart = Apart(source, {}, publish_dead_letter=lambda letter: None)
        async with source.client() as client:
            await apart.run(client)
        return apart.counts

    assert asyncio.run(run()) == Counts()


def test_a_route_that_is_down_holds_up_neither_trades_nor_what_is_asked_for(
    tmp_path: Path,
) -> None:
    ports = LivePorts(tmp_path)
    asyncio.run(followed(ports))
    messages = [one for one, _ in ports.published if isinstance(one, Trades)]
    assert sum(len(one.trades) for one in messages) > 20
    last = told(ports)[-1]
    assert last.open_interest is not None
    assert (last.mark, last.funding, last.liquidations) == (None, None, None)
    assert not [one for one, _ in ports.published if isinstance(one, DeadLetter)]


async def followed(ports: LivePorts) -> None:
    """Follow a market whose other route is closed, until something was told twice."""
    venue = venue_named("binance-usdm")
    assert venue.context is not None
    venue = replace(venue, context=replace(venue.context, apart=Closed, every_s=0.5))
    tape = SeededMarket(SYMBOL, 7, trades_per_second=40.0)
    exchange = await start([tape], venue="binance-usdm", linger_s=0.0)
    source = Source("binance-usdm", venue, exchange.ws_url, exchange.rest_url, (SYMBOL,))
    settings = TradesSettings(history_minutes=0, context=True)

    async def known() -> dict[str, object]:
        return {}

    following = Following(source, Plan((MARKET,), "1s", (1,)), settings, ports)
    working = asyncio.create_task(following.run(known))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(told(ports)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        await asyncio.wait([working])
        await exchange.close()


def told(ports: LivePorts) -> list[Context]:
    return [
        one.context
        for one, _ in ports.published
        if isinstance(one, Trades) and one.context is not None
    ]
