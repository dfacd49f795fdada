"""What happens before live trades count: the store's candles, then the exchange's trades since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from loguru import logger

from candles.aggregation import CandleAggregator
from exchanges.client import RestClient, fetch_server_time
from marketstream.errors import NetworkError
from marketstream.messages import Candle, Outcome
from marketstream.store.port import Store
from marketstream.store.rows import PredictionRow
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from realtime_training.pipeline import Pipeline
from trades.gate import Gate
from trades.history import fetch_history, messages_of
from trades.repair import Repair

_CANDLES_A_TURN = 500
_NEVER_RECEIVED_NS = 0


class Startup:
    """Fills one pipeline's markets with the last `history_ms`, up to the live trades."""

    def __init__(
        self,
        pipeline: Pipeline,
        store: Store,
        client: RestClient,
        gate: Gate,
        repair: Repair,
        *,
        history_ms: int,
        recall: Callable[[Sequence[PredictionRow], Sequence[Outcome]], None],
        read: Callable[[str, float], None],
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._client = client
        self._gate = gate
        self._repair = repair
        self._history_ms = history_ms
        self._recall = recall
        self._read = read
        self._last: dict[str, tuple[int, int]] = {}  # id and time of the last trade of the past

    async def fill_all(self) -> None:
        """Read the history of all markets and let their live trades join.

        Candles that the store has, books included, are taken from there; trades since then, and
        all of them where it has none, from the exchange. `read` is told how far each market is, 0
        to 1. Where the exchange gives no history, the live trades begin without.
        """
        markets = self._pipeline.plan.markets
        try:
            now_ms = await fetch_server_time(self._client)
        except NetworkError as error:
            logger.warning("No history", reason=str(error))
            for market in markets:
                self._open(market)
            return
        await asyncio.gather(*(self._fill(market, now_ms) for market in markets))

    async def _fill(self, market: str, now_ms: int) -> None:
        try:
            await self._fill_from(market, now_ms)
        except NetworkError as error:
            logger.warning("Not all of the history", market=market, reason=str(error))
        self._open(market)

    async def _fill_from(self, market: str, now_ms: int) -> None:
        from_ms = now_ms - self._history_ms
        plan = self._pipeline.plan
        window = (market, plan.timeframe, from_ms, now_ms)
        self._recall(self._store.predictions(*window), self._store.outcomes(*window))
        resumed_ms = await self._replay_candles(market, from_ms, now_ms)
        from_ms = max(from_ms, resumed_ms)
        base_ms = timeframe_ms(plan.base)
        trades = 0
        pages = fetch_history(
            self._client,
            split_market(market)[1],
            from_ms=-(-from_ms // base_ms) * base_ms,
            first_live_id=lambda: self._gate.first_trade_id(market),
        )
        async for page in pages:
            trades += len(page)
            self._last[market] = (page[-1].id, page[-1].time_us)
            for message in messages_of(market, page, base_ms):
                self._pipeline.runner.publish(message, _NEVER_RECEIVED_NS)
            passed_ms = page[-1].time_us // 1_000 - from_ms
            self._read(market, min(1.0, passed_ms / max(1, now_ms - from_ms)))
            await asyncio.sleep(0)
        logger.info("History read", market=market, trades=trades, resumed=resumed_ms > 0)

    def _open(self, market: str) -> None:
        """Let live trades pass; what is missing before the first of them is a gap to repair."""
        self._read(market, 1.0)
        if market in self._last:
            self._repair.follow_on(market, *self._last[market])
        self._gate.open(market)

    async def _replay_candles(self, market: str, from_ms: int, now_ms: int) -> int:
        """Run the store's candles through the stages that read candles; return where they end."""
        plan = self._pipeline.plan
        series = [
            self._store.candles(market, timeframe, from_ms, now_ms)
            for timeframe in {plan.base, plan.timeframe}
        ]
        ends = [candles[-1].close_time_ms for candles in series if candles]
        if len(ends) < len(series):
            return 0
        # Only to where all of them end: what the finer ones have beyond is made anew from trades.
        end_ms = min(ends)
        end_ms -= end_ms % timeframe_ms(plan.timeframe)
        candles = in_order(series, end_ms)
        for number, candle in enumerate(candles):
            self._pipeline.runner.publish(candle, _NEVER_RECEIVED_NS)
            if number % _CANDLES_A_TURN == 0:
                await asyncio.sleep(0)
        aggregator = cast("CandleAggregator", self._pipeline.runner.operator("candles", market))
        last = [candle for candle in candles if candle.timeframe == plan.base]
        if not last:
            return 0
        resumed_id = last_trade_id(last)
        aggregator.resume(last[-1], resumed_id)
        if resumed_id is not None:
            self._last[market] = (resumed_id, end_ms * 1_000 - 1)
        return end_ms


def in_order(series: Sequence[Sequence[Candle]], end_ms: int) -> list[Candle]:
    """Return candles of several timeframes up to a time; what closes together, finest first."""
    candles = [c for one in series for c in one if c.close_time_ms <= end_ms]
    return sorted(candles, key=lambda candle: (candle.close_time_ms, -candle.open_time_ms))


def last_trade_id(candles: Sequence[Candle]) -> int | None:
    """Return the id of the last trade in candles, None where none traded."""
    return next((c.last_trade_id for c in reversed(candles) if c.trade_count), None)
