"""From the exchange to the topic: what was missed since the last trades there, then live ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack

from loguru import logger
from prometheus_client import Counter

from exchanges.client import RestClient
from exchanges.venue import ADAPTERS
from marketstream.errors import NetworkError, StateError
from marketstream.messages import DeadLetter, Trade, Trades
from marketstream.parity import Parity
from marketstream.runners.kafka.publisher import KafkaPublisher
from marketstream.runners.kafka.tail import Published, read_tail
from marketstream.service import Service
from marketstream.store.port import Store
from marketstream.symbols import market_of, split_market
from marketstream.timeframes import timeframe_ms
from marketstream.topics import TRADES
from trades.auditor import Auditor
from trades.batchers import heartbeat_s, make_batchers
from trades.batching import TradesBatcher
from trades.feed import Feed
from trades.gate import Gate
from trades.history import fetch_history, messages_of, not_in
from trades.repair import Repair
from trades.settings import TradesSettings

_COUNT_EVERY_S = 1.0
_NEVER_RECEIVED_NS = 0
_ENOUGH_TRADES = 1_000  # an aggregate of more fills than these was never seen


class Publishing:
    """Publishes the trades of an exchange, gaplessly over its own stops.

    What was published last says from where on the exchange is asked for the past; on an empty topic
    that is `history_minutes` ago. Live messages wait until the past is published.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings(TradesSettings)
        exchange = self._settings.exchange
        self._markets = [market_of(exchange, symbol) for symbol in self._settings.symbols]
        self._base_ms = timeframe_ms(service.plan.base)
        self._publisher = KafkaPublisher(service.kafka, service.metrics)
        self._parities = {market: Parity() for market in self._markets}

    async def run(self) -> None:
        """Publish until cancelled; whatever is on its way then is delivered."""
        tails = await asyncio.to_thread(
            read_tail, self._service.kafka, TRADES, self._markets, _enough
        )
        settings = self._settings
        batchers = await make_batchers(
            self._markets, settings.rest_url, base_ms=self._base_ms, grace_ms=settings.grace_ms
        )
        gate = Gate(self._markets if settings.history_minutes else (), self._publish)
        repair = Repair(
            batchers, gate, self._publish, self._service.metrics,
            base_ms=self._base_ms, hold_s=settings.hold_s, pause=self._publisher.drain,
        )  # fmt: skip
        feed = Feed(
            ADAPTERS[settings.exchange](settings.symbols),
            batchers,
            ws_url=settings.ws_url,
            publish=repair,
            publish_dead_letter=self._publish_dead_letter,
            lost=repair.lost,
            silence_s=settings.silence_s,
            heartbeat_s=heartbeat_s(self._base_ms),
        )
        with self._publisher:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(feed.run())
                    tasks.create_task(self._count(feed, batchers))
                    tasks.create_task(repair.run(settings.rest_url, feed.answered))
                    tasks.create_task(self._fill(feed, gate, repair, tails))
                    tasks.create_task(self._audit())
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from failures

    async def _fill(
        self, feed: Feed, gate: Gate, repair: Repair, tails: dict[str, list[Published]]
    ) -> None:
        """Publish what is missing before the live trades, of all markets, and let these pass."""
        if self._settings.history_minutes:
            await feed.answered.wait()  # subscribed: now nothing falls between past and live
            async with RestClient(self._settings.rest_url) as client:
                await asyncio.gather(
                    *(
                        self._fill_market(client, gate, repair, market, tails[market])
                        for market in tails
                    )
                )
        self._service.ready()

    async def _fill_market(
        self, client: RestClient, gate: Gate, repair: Repair, market: str, tail: list[Published]
    ) -> None:
        known = [trade for published in tail for trade in published.message.trades]
        last = known[-1] if known else None
        from_ms = time.time_ns() // 1_000_000 - self._settings.history_minutes * 60_000
        from_ms = -(-from_ms // self._base_ms) * self._base_ms
        if last is not None:
            from_ms = max(from_ms, last.time_us // 1_000)
        published = 0
        try:
            pages = fetch_history(
                client,
                split_market(market)[1],
                from_ms=from_ms,
                first_live_id=lambda: gate.first_trade_id(market),
            )
            async for page in pages:
                published += await self._publish_page(market, not_in(known, page))
                last = page[-1]
        except NetworkError as error:
            logger.warning("Not all of the past", market=market, reason=str(error))
        if last is not None:
            repair.follow_on(market, last.id, last.time_us)
        gate.open(market)
        logger.info("Past published", market=market, trades=published, resumed=bool(known))

    async def _publish_page(self, market: str, page: list[Trade]) -> int:
        for message in messages_of(market, page, self._base_ms):
            self._publish(message, _NEVER_RECEIVED_NS)
        await self._publisher.drain()
        return len(page)

    async def _audit(self) -> None:
        """Compare what the candles service stores with the exchange's candles, for ever.

        Trades are published whether the store can be used or not.
        """
        every_s = self._settings.audit_every_s
        if not every_s:
            return
        with ExitStack() as stack:
            store = await self._open_store(stack, every_s)
            timeframes = self._service.plan.candle_timeframes
            auditor = Auditor(
                store, self._settings.rest_url, self._parities, timeframes, self._service.metrics
            )
            await auditor.run(every_s)

    async def _open_store(self, stack: ExitStack, retry_s: float) -> Store:
        while True:
            try:
                store, _ = await asyncio.to_thread(stack.enter_context, self._service.store())
            except StateError as error:
                logger.warning("No store to audit", reason=str(error), retry_in_s=retry_s)
                await asyncio.sleep(retry_s)
            else:
                return store

    def _publish(self, message: Trades, received_ns: int) -> None:
        self._publisher.publish(message, received_ns)
        metrics = self._service.metrics
        metrics.trades.labels(message.market).inc(len(message.trades))
        if message.quote is not None:
            metrics.quotes.labels(message.market).inc()

    def _publish_dead_letter(self, letter: DeadLetter) -> None:
        self._publisher.publish(letter)
        self._service.metrics.dead_letters.labels(letter.source).inc()

    async def _count(self, feed: Feed, batchers: Mapping[str, TradesBatcher]) -> None:
        """Bring the counters of the feed up to date, once a second."""
        metrics, exchange = self._service.metrics, self._settings.exchange
        gaps = {metrics.gaps.labels(market): batcher for market, batcher in batchers.items()}
        counted: dict[Counter, int] = {}
        while True:
            await asyncio.sleep(_COUNT_EVERY_S)
            counts = feed.counts
            now = {
                metrics.ignored_frames.labels(exchange): counts.ignored,
                metrics.reconnects.labels(exchange): counts.reconnects,
                **{counter: batcher.gaps for counter, batcher in gaps.items()},
            }
            for counter, value in now.items():
                counter.inc(value - counted.get(counter, 0))
            counted = now
            self._service.health["connected"] = feed.connected
            self._service.health["parity"] = {
                market: parity.summary() for market, parity in self._parities.items()
            }


def _enough(tail: list[Published]) -> bool:
    return sum(len(published.message.trades) for published in tail) >= _ENOUGH_TRADES
