"""One exchange followed: its feed, its past and its repair, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from exchanges.sources import Source
from marketstream.messages import DeadLetter, Feed, Status, Trades
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.timeframes import timeframe_ms
from trades import feed
from trades.batchers import heartbeat_s, make_batchers
from trades.batching import TradesBatcher
from trades.counting import Counting
from trades.gate import Gate
from trades.past import Known, Past
from trades.repair import Repair
from trades.settings import TradesSettings

_SAY_EVERY_S = 1.0


class Following:
    """Follows the markets of one source; `is_ready` once their past is published."""

    def __init__(self, source: Source, plan: Plan, settings: TradesSettings, ports: Ports) -> None:
        self.is_ready = False
        self.is_connected = False
        self._source = source
        self._stream = source.stream()
        self._stream.stream_url(source.ws_url)  # it makes no sense? then say so at once
        self._settings = settings
        self._ports = ports
        self._base_ms = timeframe_ms(plan.base)
        self._has_past = source.has_past and settings.history_minutes > 0

    async def run(self, known: Callable[[], Awaitable[Mapping[str, Known]]]) -> None:
        """Publish until cancelled; `known` says, once the exchange answers, what is published."""
        ports, settings, source = self._ports, self._settings, self._source
        batchers = await make_batchers(
            source, base_ms=self._base_ms, grace_ms=settings.grace_ms, speed=ports.speed
        )
        gate = Gate(source.markets if self._has_past else (), self._publish)
        repair = Repair(
            batchers, gate, self._publish, ports.publish, ports.metrics,
            base_ms=self._base_ms, hold_s=settings.hold_s if source.has_past else 0.0,
            pause=ports.drain,
        )  # fmt: skip
        past = Past(
            source, gate, repair, self._publish, ports.publish,
            base_ms=self._base_ms, minutes=settings.history_minutes, pause=ports.drain,
        )  # fmt: skip
        connection = feed.Feed(
            self._stream,
            batchers,
            ws_url=source.ws_url,
            publish=repair,
            publish_dead_letter=self._publish_dead_letter,
            lost=repair.lost,
            silence_s=settings.silence_s,
            heartbeat_s=heartbeat_s(self._base_ms, ports.speed),
            clock=ports.clock,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.run())
            tasks.create_task(repair.run(source, connection.answered))
            tasks.create_task(self._say(connection, batchers, past))
            tasks.create_task(self._fill(connection, past, known))

    async def _fill(
        self,
        connection: feed.Feed,
        past: Past,
        known: Callable[[], Awaitable[Mapping[str, Known]]],
    ) -> None:
        if self._has_past:
            await connection.answered.wait()  # subscribed: now nothing falls between past and live
            await past.fill(await known())
        self.is_ready = True

    async def _say(
        self, connection: feed.Feed, batchers: Mapping[str, TradesBatcher], past: Past
    ) -> None:
        """Say how things are, and bring the counters of the feed up to date, once a second."""
        counting = Counting(self._ports.metrics, self._source.name, batchers)
        while True:
            counting.count(connection.counts)
            self.is_connected = connection.connected
            for market, batcher in batchers.items():
                said = Feed(
                    connection.connected,
                    connection.counts.reconnects,
                    batcher.missing,
                    past.read[market] if self._has_past else 1.0,
                )
                self._ports.publish(Status(market, "trades", said))
            await asyncio.sleep(_SAY_EVERY_S)

    def _publish(self, message: Trades, received_ns: int) -> None:
        self._ports.publish(message, received_ns)
        metrics = self._ports.metrics
        metrics.trades.labels(message.market).inc(len(message.trades))
        if message.quote is not None:
            metrics.quotes.labels(message.market).inc()

    def _publish_dead_letter(self, letter: DeadLetter) -> None:
        self._ports.publish(letter)
        self._ports.metrics.dead_letters.labels(letter.source).inc()
