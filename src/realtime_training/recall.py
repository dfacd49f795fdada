"""What a start recalls of an earlier one: stored candles through the stages that read candles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import cast

from loguru import logger

from candles.aggregation import CandleAggregator
from exchanges.sources import Source
from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.timeframes import timeframe_ms
from trades.following import PATIENCE_S, clock_us
from trades.session.rules import Known, Mark

_CANDLES_A_TURN = 500
_STORED_LATER_MS = 60_000  # a kill may have come between candles and what follows from them


async def recall_candles(
    plan: Plan,
    ports: InProcessPorts,
    markets: Sequence[str],
    from_ms: int,
    beside: Mapping[str, int] | None = None,
) -> dict[str, Known]:
    """Run stored candles of a group's markets since a time through the stages, books included.

    Of the timeframes `beside`, at which features look too, it is so many of the newest.

    Those of all of them go together, by the time of their close, as the markets look at each other.
    Return up to where each is known; of one of which the store lacks a timeframe, only which
    numbering its ids are of.
    """
    recalled = {
        market: candles
        for market in markets
        if (candles := await _stored(plan, ports, market, from_ms, beside or {}))
    }
    with ExitStack() as stored:
        for market, candles in recalled.items():
            end_ms = candles[-1].close_time_ms
            stored.enter_context(ports.stored(market, end_ms - _STORED_LATER_MS))
        for number, candle in enumerate(by_close(recalled.values())):
            ports.runner.publish(candle)  # what was stored has been found plausible
            if number % _CANDLES_A_TURN == 0:
                await ports.drain()
        await ports.drain()
    numberings = {
        market: await asyncio.to_thread(ports.store().numbering, market) for market in markets
    }
    return {
        market: _resumed(plan, ports, recalled[market], numbering)
        if market in recalled
        else Known(epoch=numbering[0])
        for market, numbering in numberings.items()
    }


async def recalled_from_ms(ports: InProcessPorts, sources: Sequence[Source], reach_ms: int) -> int:
    """Return since when stored candles are of use: for the last `reach_ms`.

    Where by our clock none are, it may be wrong: then the exchange's counts.
    """
    ours_ms = ports.clock() // 1_000_000
    store = ports.store()
    newest_ms = [
        await asyncio.to_thread(store.newest_ms, market)
        for source in sources
        for market in source.markets
    ]
    if all(one is None or one <= ours_ms - reach_ms for one in newest_ms) and any(newest_ms):
        for source in sources:
            async with source.client(timeout_s=PATIENCE_S, patience_s=PATIENCE_S) as client:
                exchange_us = await clock_us(client)
            if exchange_us is not None:
                return exchange_us // 1_000 - reach_ms
    return ours_ms - reach_ms


async def _stored(
    plan: Plan, ports: InProcessPorts, market: str, from_ms: int, beside: Mapping[str, int]
) -> list[Candle]:
    """Return a market's candles to where all timeframes have them; none where one has none.

    All that are stored count, whatever our clock says: it may be behind the exchange's. With longer
    timeframes `beside` it is to where one of these candles began, so that it is made as a whole.
    """
    store = ports.store()
    to_ms = await asyncio.to_thread(store.newest_ms, market) or 0
    series = [
        await asyncio.to_thread(store.candles, market, timeframe, from_ms, to_ms)
        for timeframe in {plan.base, plan.timeframe}
    ]
    # Only to where all of them end: what the finer ones have beyond is made anew from trades.
    end_ms = min(candles[-1].close_time_ms if candles else 0 for candles in series)
    begun_ms = min(candles[0].open_time_ms if candles else 0 for candles in series)
    lengths_ms = sorted(map(timeframe_ms, (*beside, plan.timeframe)), reverse=True)
    whole_ms = [end_ms - end_ms % length_ms for length_ms in lengths_ms]
    decided_ms = end_ms - end_ms % timeframe_ms(plan.timeframe)
    end_ms = next((ms for ms in whole_ms if ms > begun_ms), decided_ms)
    series += [
        await asyncio.to_thread(store.last_candles, market, timeframe, count, end_ms)
        for timeframe, count in beside.items()
    ]
    candles = [c for c in by_close(series) if c.close_time_ms <= end_ms]
    return candles if any(candle.timeframe == plan.base for candle in candles) else []


def _resumed(
    plan: Plan, ports: InProcessPorts, candles: Sequence[Candle], numbering: tuple[int, int]
) -> Known:
    finest = [candle for candle in candles if candle.timeframe == plan.base]
    market = finest[-1].market
    epoch, begun_us = numbering
    since_us = asked_from_us(finest)
    # An id of before the numbering, or of a candle with trades of two, is none to go on from.
    resumed_id = last_trade_id(finest) if begun_us < since_us else None
    aggregator = cast("CandleAggregator", ports.runner.operator("candles", market))
    aggregator.resume(finest[-1], resumed_id, epoch)
    logger.info("Stored candles recalled", market=market, candles=len(candles))
    price = finest[-1].close or None
    mark = None
    if resumed_id is not None and price is not None:
        length_us = timeframe_ms(plan.base) * 1_000
        mark = Mark.between(resumed_id, price, since_us, since_us + length_us)
    return Known(resumed_id, since_us, epoch=epoch, price=price, mark=mark)


def by_close(series: Iterable[Sequence[Candle]]) -> list[Candle]:
    """Return candles of several series by their closes; what closes together, finest first."""
    candles = [candle for one in series for candle in one]
    return sorted(candles, key=lambda candle: (candle.close_time_ms, -candle.open_time_ms))


def last_trade_id(candles: Sequence[Candle]) -> int | None:
    """Return the id of the last trade in candles, None where none traded."""
    return next((c.last_trade_id for c in reversed(candles) if c.trade_count), None)


def asked_from_us(candles: Sequence[Candle]) -> int:
    """Return since when to ask for what follows on the last trade: since its candle began.

    Candles after it say only that time went on; where a kill came before a gap was declared, there
    were trades. Without any trade that is the end of the candles.
    """
    last = next((candle for candle in reversed(candles) if candle.trade_count), None)
    return candles[-1].close_time_ms * 1_000 - 1 if last is None else last.open_time_ms * 1_000
