"""Levels that are followed live, and stand in candles, are those that the market had."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket, start
from exchange_simulator.market.depth import depth_at
from exchanges.catalogue import venue_named, venues
from exchanges.checks import samples_of
from exchanges.settings import HostSettings
from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Depth, Trades
from marketstream.plan import Plan
from trades.build import build
from trades.settings import TradesSettings

LEVELS = 3
LOT = 8  # decimals that a lot has at most
PATIENCE_S = 60


class Ports(FakePorts):
    """Ports by real time."""

    def clock(self) -> int:
        return time.time_ns()


@pytest.mark.parametrize("venue", venues())
def test_levels_of_every_venue_are_those_of_the_market(venue: str, tmp_path: Path) -> None:
    tape = SeededMarket(samples_of(venue_named(venue)).symbol, 7, trades_per_second=40.0)
    messages = asyncio.run(followed(venue, tape, tmp_path))
    depths = said(messages)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    for depth in depths:
        true = []
        for quote_us in tape.quotes(depth.time_us - 2_000_000, depth.time_us + 2_000_000).time_us:
            at = depth_at(tape, int(quote_us) + 1, LEVELS)
            assert at is not None
            true.append([[(p / ticks, round(q / lots, LOT)) for p, q in s] for s in at[2:]])
        levels = [[(p, round(q, LOT)) for p, q in side] for side in (depth.bids, depth.asks)]
        assert levels in true
    shown = [candle.depth for candle in candles_of(messages) if candle.depth is not None]
    assert shown
    assert all(depth in depths for depth in shown)


def candles_of(messages: list[Trades]) -> list[Candle]:
    """Return the candles that are made of messages; none has a book from after its close."""
    aggregator = CandleAggregator(messages[0].market, ["250ms"])
    candles = [candle for message in messages for candle in aggregator.update(message)]
    for candle in candles:
        assert candle.depth is None or candle.depth.time_us < candle.close_time_ms * 1_000
    return candles


async def followed(venue: str, tape: SeededMarket, folder: Path) -> list[Trades]:
    """Follow a market until ten books were said."""
    exchange = await start([tape], venue=venue, linger_s=0.0)
    host = HostSettings(venue=venue, ws_url=exchange.ws_url, rest_url=exchange.rest_url)
    settings = TradesSettings(hosts={"simulator": host}, history_minutes=0, levels=LEVELS)
    ports = Ports(folder)
    plan = Plan((f"simulator:{tape.symbol}",), "1s", (1,))
    part = build(plan, settings, ports)
    assert part.work is not None
    working = asyncio.create_task(part.work())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(said(heard(ports))) < 10:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        await asyncio.wait([working])
        await exchange.close()
    return heard(ports)


def heard(ports: Ports) -> list[Trades]:
    """Return the messages that were published."""
    return [one for one, _ in ports.published if isinstance(one, Trades)]


def said(messages: list[Trades]) -> list[Depth]:
    """Return the books that were published and are known."""
    return [one.depth for one in messages if one.depth is not None and one.depth.is_known]
