"""A simulated venue followed live, until enough was said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket, start
from exchanges.settings import HostSettings
from marketstream.fakes import LivePorts
from marketstream.messages import Candle, DeadLetter, Trades
from marketstream.plan import Plan
from trades.build import build
from trades.settings import TradesSettings

LOT = 8  # decimals that a lot has at most
PATIENCE_S = 60


def heard(ports: LivePorts) -> list[Trades]:
    """Return the messages that were published."""
    return [one for one, _ in ports.published if isinstance(one, Trades)]


def candles_of(messages: list[Trades]) -> list[Candle]:
    """Return the candles that are made of messages; nothing beside is from after its close."""
    aggregator = CandleAggregator(messages[0].market, ["250ms"])
    candles = [candle for message in messages for candle in aggregator.update(message)]
    for candle in candles:
        close_us = candle.close_time_ms * 1_000
        assert candle.depth is None or candle.depth.time_us < close_us
        assert candle.context is None or candle.context.time_us < close_us
    return candles


async def followed(
    venue: str,
    tape: SeededMarket,
    folder: Path,
    *,
    enough: Callable[[list[Trades]], bool],
    levels: int = 0,
    context: bool = False,
) -> list[Trades]:
    """Follow a market until what was said is enough; nothing of it may have been put aside."""
    exchange = await start([tape], venue=venue, linger_s=0.0)
    host = HostSettings(venue=venue, ws_url=exchange.ws_url, rest_url=exchange.rest_url)
    settings = TradesSettings(
        hosts={"simulator": host}, history_minutes=0, levels=levels, context=context
    )
    ports = LivePorts(folder)
    plan = Plan((f"simulator:{tape.symbol}",), "1s", (1,))
    part = build(plan, settings, ports)
    assert part.work is not None
    working = asyncio.create_task(part.work())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not enough(heard(ports)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        await asyncio.wait([working])
        await exchange.close()
    assert not [one for one, _ in ports.published if isinstance(one, DeadLetter)]
    return heard(ports)
