"""An exchange followed over one connection at a time, kept alive and made anew."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from loguru import logger

from trades.backoff import Backoff
from trades.connection import Connection, ConnectionLostError, Inbox, LocationRefusedError
from trades.intake import Counts, Hears, Intake, PublishDeadLetter
from trades.relief import Relief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exchanges.events import Notice
    from exchanges.venue import Stream

_STABLE_S = 10.0
_PROBE_S = 1.0  # a ping of our own after so long without a sign of life
_ALIVE_S = 3.0  # after so long without one, silence no longer means that nothing traded
_ANSWER_S = 5.0  # to the subscription
_LONGEST_RETRY_S = 5.0  # exchanges allow one attempt a second


class Feed:
    """Follow an exchange for several markets, for as long as it goes on, and tell their sessions.

    They hear what the exchange says, when it answers, when the connection is lost, and the time
    every `heartbeat_s`. A connection whose end is announced is kept until the next one answers, so
    that nothing is missed between the two. Where a server refuses our location, `other_urls` are
    tried in turn. `silence_s` is how long to wait for a sign of life before connecting anew:
    that a market is silent is for its session to judge. `clock` gives receive times in ns. `tap`
    gets each frame, and when it came, before they do.
    """

    def __init__(
        self,
        exchange: Stream,
        sessions: Mapping[str, Hears],
        *,
        ws_url: str,
        other_urls: Sequence[str] = (),
        publish_dead_letter: PublishDeadLetter,
        silence_s: float = 10.0,
        heartbeat_s: float = 0.25,
        clock: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        tap: Callable[[bytes, int], None] | None = None,
    ) -> None:
        self._exchange = exchange
        self._tap = tap
        self._urls = [exchange.stream_url(url) for url in (ws_url, *other_urls)]
        self._sessions = sessions
        self._intake = Intake(exchange, sessions, publish_dead_letter)
        self._silence_s = silence_s
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._backoff = backoff or Backoff(first_s=0.25, longest_s=_LONGEST_RETRY_S)
        self._reconnects = 0
        self.connected = False
        self.ended = False

    @property
    def counts(self) -> Counts:
        """What has come in so far."""
        return self._intake.counts(self._reconnects)

    def hear(self, frame: bytes) -> None:
        """Take an answer of REST that is read as a frame."""
        received_ns = self._clock()
        if self._tap is not None:
            self._tap(frame, received_ns)
        self._intake.handle(frame, received_ns)
        self._intake.flush()

    async def run(self) -> None:
        """Connect, subscribe, publish; do it again when the connection is lost, until cancelled.

        Returns where a recording has ended, of which there is no more; `ended` is set then.
        Raises SettingsError where the URL cannot be used, and whatever `publish` raises.
        """
        ticking = asyncio.create_task(self._tick_apart())
        try:
            while not self.ended:
                started_s = time.monotonic()
                try:
                    await self._follow()
                except ConnectionLostError as error:
                    await self._lost(error, time.monotonic() - started_s)
        finally:
            ticking.cancel()

    async def _lost(self, error: ConnectionLostError, lived_s: float) -> None:
        """Tell the sessions of the loss, and wait until another attempt makes sense."""
        for session in self._sessions.values():
            session.lost(self._clock() // 1_000)
        if lived_s >= _STABLE_S:
            self._backoff.reset()
        retry_in_s = max(self._backoff.next_s(), error.retry_after_s)
        if isinstance(error, LocationRefusedError) and len(self._urls) > 1:
            self._urls.append(self._urls.pop(0))
            retry_in_s = self._backoff.next_s()
            logger.warning("Another server is tried", url=self._urls[0])
        logger.warning(
            "Connection lost",
            exchange=self._exchange.name,
            reason=str(error),
            retry_in_s=round(retry_in_s, 2),
        )
        await asyncio.sleep(retry_in_s)
        self._reconnects += 1

    async def _tick_apart(self) -> None:
        """Tell the sessions the time while there is no connection whose frames come first."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            if not self.connected:
                self._tick(alive=False)

    def _tick(self, *, alive: bool) -> None:
        now_us = self._clock() // 1_000
        for session in self._sessions.values():
            session.tick(now_us, alive=alive)

    async def _open(self, inbox: Inbox) -> Connection:
        """Return a connection that was asked for the markets; ConnectionLostError without one."""
        connection = Connection(inbox, self._clock)
        await connection.open(self._urls[0])
        connection.ask(self._exchange.subscribe_frames(), self._exchange.request_interval_s)
        logger.info("Connected", exchange=self._exchange.name, url=self._urls[0])
        return connection

    async def _follow(self) -> None:
        """Follow connections to a recording's end; ConnectionLostError where one is lost."""
        inbox = Inbox()
        connection = await self._open(inbox)
        relief = Relief(connection, lambda: self._open(inbox))
        self.connected = True
        try:
            await self._pump(inbox, relief)
        finally:
            self.connected = False
            await relief.close()

    async def _pump(self, inbox: Inbox, relief: Relief) -> None:
        heartbeat_due_s = probe_due_s = time.monotonic()
        keepalive_due_s = heartbeat_due_s + self._exchange.keepalive_s
        answer_due_s = heartbeat_due_s + _ANSWER_S
        has_answered = False
        while True:
            frames = await inbox.read(heartbeat_due_s - time.monotonic())
            if frames and not has_answered:
                has_answered = True
                for session in self._sessions.values():
                    session.connected(frames[0][0] // 1_000)
            if self._tap is not None:
                for received_ns, frame in frames:
                    self._tap(frame, received_ns)
            for notice in self._intake.take(frames):
                self._heed(notice, relief)
                if self.ended:
                    return
            self._intake.flush()
            connection = relief.connection
            self._raise_if_lost(connection)
            now_s = time.monotonic()
            if not has_answered and now_s > answer_due_s:
                raise ConnectionLostError("the subscription is not answered")
            idle_s = now_s - connection.last_life_s
            if idle_s > _PROBE_S and now_s >= probe_due_s:
                connection.ping()
                probe_due_s = now_s + idle_s  # ever more seldom: who is stalled reads all at once
            if self._exchange.keepalive is not None and now_s >= keepalive_due_s:
                relief.send(self._exchange.keepalive)
                keepalive_due_s = now_s + self._exchange.keepalive_s
            if now_s >= heartbeat_due_s:
                heartbeat_due_s = now_s + self._heartbeat_s
                self._tick(alive=idle_s < _ALIVE_S)

    def _heed(self, notice: Notice, relief: Relief) -> None:
        """Do what the exchange says of the connection; ConnectionLostError where it is no use."""
        self._intake.flush()
        if notice.kind == "ended":
            self._tick(alive=True)
            self.ended = True
        elif notice.kind == "shutdown":
            relief.begin(notice.text)
        else:
            raise ConnectionLostError(notice.text)

    def _raise_if_lost(self, connection: Connection) -> None:
        """Raise ConnectionLostError where the connection has ended, or is worth nothing."""
        if connection.lost is not None:
            raise ConnectionLostError(connection.lost)
        if time.monotonic() - connection.last_life_s > self._silence_s:
            raise ConnectionLostError(f"no sign of life for {self._silence_s:g} s")
        for session in self._sessions.values():
            if session.drop is not None:
                raise ConnectionLostError(session.drop)
