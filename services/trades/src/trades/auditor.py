"""The parity auditor: closed candles beside the exchange's own, again and again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from loguru import logger

from exchanges.binance.rest import KLINE_INTERVALS
from exchanges.client import RestClient, fetch_klines
from marketstream.errors import NetworkError, StateError
from marketstream.klines import Kline
from marketstream.messages import Candle
from marketstream.metrics import Metrics
from marketstream.parity import Parity, lacks_trades, marked
from marketstream.store.port import Store
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms

_CANDLES_A_ROUND = 240  # few enough to read beside live trades
_SETTLED_MS = 5_000  # until the exchange's own candle and our revisions are final
_REVISABLE = 64  # of each timeframe, the newest candles are still revised by who made them


class Auditor:
    """Compares what the store has of each market with the exchange's klines.

    Each round asks for some klines a market and timeframe (weight 2 of 6,000 a minute), from where
    the last round ended. A candle called complete that lacks trades is stored anew as incomplete,
    but only once it is too old to be revised by who made it: of two writings with one revision the
    store keeps the first, and what is made of the trades has to win.
    """

    def __init__(
        self,
        store: Store,
        rest_url: str,
        parities: Mapping[str, Parity],
        timeframes: Sequence[str],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._rest_url = rest_url
        self._parities = parities
        self._timeframes = [name for name in timeframes if name in KLINE_INTERVALS]
        self._metrics = metrics
        self._audited_ms: dict[tuple[str, str], int] = {}
        self._lacking: defaultdict[tuple[str, str], list[Kline]] = defaultdict(list)
        for market in parities:  # 0 is news too
            metrics.parity_compared.labels(market)
            metrics.parity_differences.labels(market)

    async def run(self, every_s: float) -> None:
        """Audit what has closed, a round every so often, until cancelled; never where that is 0."""
        if not every_s:
            return
        async with RestClient(self._rest_url) as client:
            while True:
                await asyncio.sleep(every_s)
                await self.audit(client)

    async def audit(self, client: RestClient) -> None:
        """Audit one round; what cannot be asked for, of exchange or store, waits for the next."""
        for market in self._parities:
            for timeframe in self._timeframes:
                try:
                    await self._audit(client, market, timeframe)
                except (NetworkError, StateError) as error:
                    logger.warning("No parity audit", market=market, reason=str(error))

    async def _audit(self, client: RestClient, market: str, timeframe: str) -> None:
        newest = await asyncio.to_thread(self._store.last_candles, market, timeframe, 1)
        if not newest:
            return
        length_ms = timeframe_ms(timeframe)
        first_ms = newest[0].open_time_ms - _CANDLES_A_ROUND * length_ms
        start_ms = self._audited_ms.get((market, timeframe), first_ms)
        end_ms = min(newest[0].close_time_ms - _SETTLED_MS, start_ms + _CANDLES_A_ROUND * length_ms)
        candles = await asyncio.to_thread(self._store.candles, market, timeframe, start_ms, end_ms)
        if candles:
            symbol = split_market(market)[1]
            klines = await fetch_klines(client, symbol, timeframe, from_ms=candles[0].open_time_ms)
            self._compare(market, timeframe, candles, klines)
            self._audited_ms[market, timeframe] = candles[-1].open_time_ms + length_ms
        else:  # a hole: look beyond it next time
            self._audited_ms[market, timeframe] = max(start_ms, end_ms)
        await self._mark(market, timeframe, newest[0].open_time_ms - _REVISABLE * length_ms)

    def _compare(
        self, market: str, timeframe: str, candles: Sequence[Candle], klines: Sequence[Kline]
    ) -> None:
        parity, metrics = self._parities[market], self._metrics
        compared, differing = parity.compared, parity.differing
        for candle, kline in parity.audit(candles, klines):
            logger.warning("Candle lacks trades", market=market, open_time_ms=candle.open_time_ms)
            self._lacking[market, timeframe].append(kline)
        metrics.parity_compared.labels(market).inc(parity.compared - compared)
        metrics.parity_differences.labels(market).inc(parity.differing - differing)
        if parity.rate is not None:
            metrics.parity.labels(market).set(parity.rate)

    async def _mark(self, market: str, timeframe: str, until_ms: int) -> None:
        """Store as incomplete what still lacks trades and is not revised any more."""
        waiting = self._lacking[market, timeframe]
        length_ms = timeframe_ms(timeframe)
        for kline in [kline for kline in waiting if kline.open_time_ms <= until_ms]:
            open_ms = kline.open_time_ms
            now = await asyncio.to_thread(
                self._store.candles, market, timeframe, open_ms, open_ms + length_ms
            )
            lacking = [one for one in now if one.complete and lacks_trades(one, kline)]
            await asyncio.to_thread(self._store.write, [marked(one, kline) for one in lacking])
            waiting.remove(kline)
