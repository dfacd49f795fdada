"""One exchange followed: its connection, its sessions, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from loguru import logger

from exchanges.client import RestClient, fetch_server_time
from exchanges.sources import Source
from marketstream.errors import NetworkError
from marketstream.messages import DeadLetter, Gap, Stall, Status, Trades
from marketstream.plan import Plan
from marketstream.ports import Ports
from marketstream.timeframes import timeframe_ms
from trades.apart import Apart, both
from trades.asking import Asking
from trades.counting import Counting
from trades.feed import Feed
from trades.session.market import MarketSession
from trades.session.rules import Known
from trades.sessions import heartbeat_s, make_sessions
from trades.settings import TradesSettings

_SAY_EVERY_S = 1.0
PATIENCE_S = 5.0  # with one request: a start does not wait for an exchange that hangs
_CLOCK_DOUBT_US = 300_000_000  # by how much our own clock may be ahead of the exchange


class Following:
    """Follows the markets of one source; `is_ready` once their past is published."""

    def __init__(self, source: Source, plan: Plan, settings: TradesSettings, ports: Ports) -> None:
        self.is_ready = False
        self.is_connected = False
        self._source = source
        self._stream = source.stream(levels=settings.levels, context=settings.context)
        self._stream.stream_url(source.ws_url)  # it makes no sense? then say so at once
        self._settings = settings
        self._ports = ports
        self._base_ms = timeframe_ms(plan.base)
        self._has_past = source.has_past and settings.history_minutes > 0
        self._reading: dict[str, bool] = {}  # markets whose past is read, and whether it goes on

    async def run(self, known: Callable[[], Awaitable[Mapping[str, Known]]]) -> None:
        """Publish until cancelled; `known` says what is published already."""
        async with self._source.client(timeout_s=PATIENCE_S, patience_s=PATIENCE_S) as client:
            await self._follow(client, known)

    async def _follow(
        self, client: RestClient, known: Callable[[], Awaitable[Mapping[str, Known]]]
    ) -> None:
        ports, settings, source = self._ports, self._settings, self._source
        sessions = await make_sessions(
            source, client, self._publish,
            base_ms=self._base_ms, grace_ms=settings.grace_ms, hold_s=settings.hold_s,
            speed=ports.speed, levels=settings.levels, depth_every_ms=settings.depth_every_ms,
            context=settings.context,
        )  # fmt: skip
        await self._start(client, sessions, await known() if self._has_past else {})
        connection = Feed(
            self._stream,
            sessions,
            ws_url=source.ws_url,
            other_urls=[host.ws_url for host in source.other_hosts],
            publish_dead_letter=self._publish_dead_letter,
            silence_s=settings.silence_s,
            heartbeat_s=heartbeat_s(self._base_ms, ports.speed),
            clock=ports.clock,
        )
        asking = Asking(client, sessions, ports.metrics, now_us=self._now_us, pause=ports.drain)
        apart = Apart(
            source, sessions if settings.context else None,
            publish_dead_letter=self._publish_dead_letter, silence_s=settings.silence_s,
            clock=ports.clock, speed=ports.speed,
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.run())
            tasks.create_task(apart.run(client))
            tasks.create_task(asking.run())
            tasks.create_task(self._say(connection, apart, sessions))

    async def _start(
        self,
        client: RestClient,
        sessions: Mapping[str, MarketSession],
        known: Mapping[str, Known],
    ) -> None:
        """Tell the sessions what is known, and what the exchange's clock says."""
        exchange_us = await clock_us(client) if self._source.has_past else None
        now_us = self._now_us()
        for market, session in sessions.items():
            one = known.get(market)
            from_us = None
            if self._has_past:
                self._reading[market] = one is not None and one.time_us > 0
                from_us = self._from_us(one, now_us, exchange_us)
            session.start(now_us, from_us=from_us, known=one, exchange_us=exchange_us)

    def _from_us(self, known: Known | None, now_us: int, exchange_us: int | None) -> int:
        """Return where the past begins that is to be read: on a boundary, or where it is known.

        What lies between is given up; by our own clock alone, which may be ahead, less is, and what
        the exchange's says may be ahead of both.
        """
        base_us = self._base_ms * 1_000
        from_us = now_us if exchange_us is None else exchange_us
        if known is not None and known.time_us and self._ports.speed == 1:
            from_us = min(from_us, now_us)
        from_us -= self._settings.history_minutes * 60_000_000
        if known is not None and known.time_us and exchange_us is None:
            from_us -= _CLOCK_DOUBT_US
        from_us = -(-from_us // base_us) * base_us
        return from_us if known is None else max(from_us, known.time_us)

    async def _say(
        self, connection: Feed, apart: Apart, sessions: Mapping[str, MarketSession]
    ) -> None:
        """Say how things are, and bring the counters of the feed up to date, once a second."""
        counting = Counting(self._ports.metrics, self._source.name, sessions)
        while True:
            counting.count(both(connection.counts, apart.counts))
            self.is_connected = connection.connected
            self.is_ready = all(session.history >= 1 for session in sessions.values())
            for market, session in sessions.items():
                if session.history >= 1 and market in self._reading:
                    logger.info("Past published", market=market, resumed=self._reading.pop(market))
                said = session.said(
                    self._now_us(),
                    connected=connection.connected,
                    reconnects=connection.counts.reconnects,
                    ended=connection.ended,
                )
                self._ports.publish(Status(market, "trades", said))
            await asyncio.sleep(_SAY_EVERY_S)

    def _now_us(self) -> int:
        return self._ports.clock() // 1_000

    def _publish(self, message: Trades | Gap | Stall, received_ns: int) -> None:
        self._ports.publish(message, received_ns)
        if isinstance(message, Trades):
            metrics = self._ports.metrics
            metrics.trades.labels(message.market).inc(len(message.trades))
            if message.quote is not None:
                metrics.quotes.labels(message.market).inc()

    def _publish_dead_letter(self, letter: DeadLetter) -> None:
        self._ports.publish(letter)
        self._ports.metrics.dead_letters.labels(letter.source).inc()


async def clock_us(client: RestClient) -> int | None:
    """Return what an exchange's clock says, None where it does not answer."""
    try:
        return await fetch_server_time(client) * 1_000
    except NetworkError as error:
        logger.warning("The exchange's clock is not known", reason=str(error))
        return None
