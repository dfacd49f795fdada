"""The parity auditor: closed candles beside the exchange's own, again and again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random

from loguru import logger

from exchanges.client import RestClient, fetch_klines
from exchanges.sources import Source
from marketstream.errors import NetworkError, StateError
from marketstream.klines import Kline
from marketstream.messages import Audit, Candle
from marketstream.ports import Ports
from marketstream.symbols import split_market
from marketstream.timeframes import timeframe_ms
from storekeeper.asking import ask
from storekeeper.parity import SETTLED_MS, ParityCount
from storekeeper.touched import witnesses

_CANDLES_A_ROUND = 240  # few enough to read beside live trades
_MOST_WAITING = 10 * _CANDLES_A_ROUND  # candles to come back to
_SAMPLE_EVERY = 4  # rounds
_MINUTE_MS = 60_000
_SAMPLED_MINUTES = 60  # the newest, of which one is chosen


class Auditor:
    """Compares what the store has of a source's markets with what its exchange says.

    Each round asks for some klines a market and timeframe (weight 2 of 6,000 a minute), from where
    the last round ended; and for those of candles that were not complete then, once they are. Of a
    timeframe that the exchange has no klines of, some rounds compare the candles of a minute,
    chosen by `seed`, with what the exchange's trades make of it. `suspect` is told of candles
    called complete that the exchange has otherwise. What was found is published.
    """

    def __init__(
        self,
        source: Source,
        timeframes: Sequence[str],
        ports: Ports,
        suspect: Callable[[Candle], None],
        *,
        seed: int = 0,
    ) -> None:
        self.parities = {
            market: ParityCount(source.venue.kline_fields) for market in source.markets
        }
        self._source = source
        known = source.venue.kline_intervals
        self._timeframes = [name for name in timeframes if name in known]
        self._sampled = [name for name in timeframes if name not in known]
        self._ports = ports
        self._suspect = suspect
        self._random = Random(seed)  # noqa: S311 - which minute is looked at
        self._rounds = 0
        self._audited_ms: dict[tuple[str, str], int] = {}
        self._waiting_ms: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for market in self.parities:  # 0 is news too
            ports.metrics.parity_compared.labels(market)
            ports.metrics.parity_differences.labels(market)

    async def run(self, every_s: float) -> None:
        """Audit what has closed, a round every so often, until cancelled."""
        async with self._source.client() as client:
            while True:
                await asyncio.sleep(every_s)
                await self.audit(client)

    async def audit(self, client: RestClient) -> None:
        """Audit one round; what cannot be asked for, of exchange or store, waits for the next."""
        sampled = self._sampled if self._rounds % _SAMPLE_EVERY == 0 else []
        self._rounds += 1
        for market in self.parities:
            for audit, timeframes in (
                (self._audit, self._timeframes),
                (self._audit_waiting, self._timeframes),
                (self._sample, sampled),
            ):
                for timeframe in timeframes:
                    try:
                        await audit(client, market, timeframe)
                    except (NetworkError, StateError) as error:
                        logger.warning("No parity audit", market=market, reason=str(error))

    async def _audit(self, client: RestClient, market: str, timeframe: str) -> None:
        store = await asyncio.to_thread(self._ports.store)
        newest = await asyncio.to_thread(store.last_candles, market, timeframe, 1)
        if not newest:
            return
        length_ms = timeframe_ms(timeframe)
        first_ms = newest[0].open_time_ms - _CANDLES_A_ROUND * length_ms
        start_ms = self._audited_ms.get((market, timeframe), first_ms)
        end_ms = min(newest[0].close_time_ms - SETTLED_MS, start_ms + _CANDLES_A_ROUND * length_ms)
        candles = await asyncio.to_thread(store.candles, market, timeframe, start_ms, end_ms)
        if candles:
            await self._compare_with_klines(client, candles)
            until_ms = candles[-1].open_time_ms + length_ms
            self._audited_ms[market, timeframe] = until_ms
            waiting_ms = self._waiting_ms[market, timeframe]
            waiting_ms += [candle.open_time_ms for candle in candles if not candle.complete]
            del waiting_ms[:-_MOST_WAITING]
        else:  # a hole: look beyond it next time
            self._audited_ms[market, timeframe] = max(start_ms, end_ms)

    async def _audit_waiting(self, client: RestClient, market: str, timeframe: str) -> None:
        """Audit some of what was not complete when its round came, and is by now."""
        waiting_ms = self._waiting_ms[market, timeframe]
        due = await asyncio.to_thread(self._due, waiting_ms, market, timeframe)
        if not due:
            return
        theirs = await self._compare_with_klines(client, due)
        done_ms = {one.open_time_ms for one in due if one.open_time_ms in theirs}
        waiting_ms[:] = [open_ms for open_ms in waiting_ms if open_ms not in done_ms]

    def _due(self, waiting_ms: Sequence[int], market: str, timeframe: str) -> list[Candle]:
        """Return candles that were waited for and are complete, no more than one round has."""
        store, span_ms = self._ports.store(), _CANDLES_A_ROUND * timeframe_ms(timeframe)
        until_ms = 0
        for from_ms in sorted(waiting_ms):
            if from_ms < until_ms:
                continue
            until_ms = from_ms + span_ms
            stored = store.candles(market, timeframe, from_ms, until_ms)
            due = [one for one in stored if one.complete and one.open_time_ms in waiting_ms]
            if due:
                return due
        return []

    async def _compare_with_klines(
        self, client: RestClient, candles: Sequence[Candle]
    ) -> Mapping[int, Kline]:
        """Compare candles of one series with the exchange's klines; return those by open time."""
        first, last = candles[0], candles[-1]
        symbol, from_ms = split_market(first.market)[1], first.open_time_ms
        klines = await fetch_klines(client, symbol, first.timeframe, from_ms=from_ms)
        theirs = {kline.open_time_ms: kline for kline in klines}
        self._compare(candles, theirs, from_ms, last.close_time_ms)
        return theirs

    async def _sample(self, client: RestClient, market: str, timeframe: str) -> None:
        store = await asyncio.to_thread(self._ports.store)
        newest = await asyncio.to_thread(store.last_candles, market, timeframe, 1)
        if not newest:
            return
        last_ms = (newest[0].close_time_ms - SETTLED_MS) // _MINUTE_MS * _MINUTE_MS
        from_ms = last_ms - self._random.randint(1, _SAMPLED_MINUTES) * _MINUTE_MS
        candles = await asyncio.to_thread(
            store.candles, market, timeframe, from_ms, from_ms + _MINUTE_MS
        )
        whole = [candle for candle in candles if candle.state == "closed" and candle.complete]
        if not whole:
            return
        symbol = split_market(market)[1]
        intervals = [(one.open_time_ms, one.close_time_ms) for one in whole]
        answer = await ask(client, market, symbol, intervals, witnesses(whole), whole[0].close)
        made = {
            interval[0]: answer.refold.candle(market, timeframe, interval)
            for interval in intervals
            if not answer.doubts(interval)
        }
        self._compare(whole, made, from_ms, from_ms + _MINUTE_MS)

    def _compare(
        self,
        candles: Sequence[Candle],
        theirs: Mapping[int, Kline | Candle],
        from_ms: int,
        to_ms: int,
    ) -> None:
        """Compare candles of one series that open in the range, and say what was found."""
        market, timeframe = candles[0].market, candles[0].timeframe
        parity, metrics = self.parities[market], self._ports.metrics
        compared, equal, differing = parity.compared, parity.equal, parity.differing
        incomplete = parity.incomplete
        for candle in parity.audit(candles, theirs):
            logger.warning(
                "Candle differs from the exchange's",
                market=market, timeframe=candle.timeframe, open_time_ms=candle.open_time_ms,
            )  # fmt: skip
            self._suspect(candle)
        metrics.parity_compared.labels(market).inc(parity.compared - compared)
        metrics.parity_differences.labels(market).inc(parity.differing - differing)
        if parity.rate is not None:
            metrics.parity.labels(market).set(parity.rate)
        found = Audit(
            market,
            timeframe,
            from_ms,
            to_ms,
            parity.compared - compared,
            parity.equal - equal,
            parity.incomplete - incomplete,
        )
        if found.compared or found.incomplete:
            self._ports.publish(found)
