"""What a start recalls of an earlier one: stored candles through the stages that read candles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from loguru import logger

from candles.aggregation import CandleAggregator
from marketstream.messages import Candle
from marketstream.plan import Plan
from marketstream.runners.embedded import InProcessPorts
from marketstream.timeframes import timeframe_ms
from trades.session.rules import Known

_CANDLES_A_TURN = 500
_STORED_LATER_MS = 60_000  # a kill may have come between candles and what follows from them


async def recall_candles(
    plan: Plan, ports: InProcessPorts, market: str, from_ms: int
) -> Known | None:
    """Run a market's stored candles since a time through the stages, books included.

    Return up to where its trades are known by them, and so since when what follows has to be asked
    for. None where the store lacks a timeframe.
    """
    store = ports.store()
    to_ms = max(from_ms, ports.clock() // 1_000_000)
    series = [
        await asyncio.to_thread(store.candles, market, timeframe, from_ms, to_ms)
        for timeframe in {plan.base, plan.timeframe}
    ]
    ends = [candles[-1].close_time_ms for candles in series if candles]
    if len(ends) < len(series):
        return None
    # Only to where all of them end: what the finer ones have beyond is made anew from trades.
    end_ms = min(ends)
    end_ms -= end_ms % timeframe_ms(plan.timeframe)
    candles = in_order(series, end_ms)
    with ports.stored(market, end_ms - _STORED_LATER_MS):
        for number, candle in enumerate(candles):
            ports.runner.publish(candle)  # what was stored has been found plausible
            if number % _CANDLES_A_TURN == 0:
                await ports.drain()
        await ports.drain()
    finest = [candle for candle in candles if candle.timeframe == plan.base]
    if not finest:
        return None
    resumed_id = last_trade_id(finest)
    aggregator = cast("CandleAggregator", ports.runner.operator("candles", market))
    aggregator.resume(finest[-1], resumed_id)
    logger.info("Stored candles recalled", market=market, candles=len(candles))
    return Known(resumed_id, asked_from_us(finest), price=finest[-1].close or None)


def in_order(series: Sequence[Sequence[Candle]], end_ms: int) -> list[Candle]:
    """Return candles of several timeframes up to a time; what closes together, finest first."""
    candles = [c for one in series for c in one if c.close_time_ms <= end_ms]
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
