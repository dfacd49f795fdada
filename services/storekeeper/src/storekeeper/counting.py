"""Adds up what came of the predictions of a stretch, a little at a time."""

from __future__ import annotations

import asyncio

from marketstream.messages.score_sums import ScoreSums
from marketstream.score_sums import Sums, add_up, packed_sums
from marketstream.store.port import Store
from marketstream.timeframes import timeframe_ms
from storekeeper.aging import PAUSE_S

_AT_ONCE_MS = 20_000  # some hundred rows: others want the interpreter too
_BEYOND_MS = 2_000  # of candles after the last close: a prediction is there by then


async def counted(
    store: Store, market: str, timeframe: str, finest: str, from_ms: int, to_ms: int
) -> ScoreSums:
    """Return the sums of closes in `[from_ms, to_ms)`, whose outcomes are all stored.

    The books are those of `finest` candles.
    """
    sums: Sums = {}
    width_ms = timeframe_ms(finest)
    beyond_ms = max(width_ms, _BEYOND_MS)

    def add(since_ms: int, until_ms: int) -> None:
        outcomes = store.outcomes(market, timeframe, since_ms, until_ms)
        if not outcomes:
            return
        # A candle is found by when it opens.
        candles = store.candles(market, finest, since_ms - width_ms, until_ms + beyond_ms)
        add_up(sums, store.predictions(market, timeframe, since_ms, until_ms), outcomes, candles)

    for since_ms in range(from_ms, to_ms, _AT_ONCE_MS):
        await asyncio.to_thread(add, since_ms, min(to_ms, since_ms + _AT_ONCE_MS))
        await asyncio.sleep(PAUSE_S)
    return packed_sums(sums, market, timeframe, from_ms, to_ms)
