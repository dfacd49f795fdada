"""What grows old behind the newest candle of its market, looked after once a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from loguru import logger

from marketstream.errors import StateError
from marketstream.ports import Ports
from marketstream.store.port import Store

PAUSE_S = 0.02  # between two stretches: others write
_EVERY_S = 60.0


class Series(NamedTuple):
    """A market's rows of a timeframe in a store, and how new the market's newest candle is."""

    store: Store
    market: str
    timeframe: str
    newest_ms: int


async def all_series(ports: Ports) -> AsyncIterator[Series]:
    """Yield what there is; StateError where the store cannot be used.

    A recording is as old as its own newest candle. What a wrong clock dates ahead makes nothing
    older than now.
    """
    store = await asyncio.to_thread(ports.store)
    for market in await asyncio.to_thread(store.markets):
        newest_ms = await asyncio.to_thread(store.newest_ms, market)
        if newest_ms is None:
            continue
        newest_ms = min(newest_ms, ports.clock() // 1_000_000)
        for timeframe in await asyncio.to_thread(store.timeframes, market):
            yield Series(store, market, timeframe, newest_ms)


async def every_minute(work: Callable[[], Awaitable[object]], undone: str) -> None:
    """Do the work once a minute until cancelled; `undone` is said where the store is away."""
    while True:
        try:
            await work()
        except StateError as error:
            logger.warning(undone, reason=str(error))
        await asyncio.sleep(_EVERY_S)
