"""A venue's streams over WebSocket: connections, their keep-alive and their limits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from exchange_simulator.faults.exchange import ExchangeFaults
from exchange_simulator.serving.audience import Audience
from exchange_simulator.serving.connection import Connection
from exchange_simulator.serving.limits import SlidingWindow
from exchange_simulator.serving.port import ConnectionRules, RefusedError, VenueServer

_CLOSE_WAIT_S = 1.0


class StreamServer:
    """The paths that take connections."""

    def __init__(
        self,
        venue: VenueServer,
        audience: Audience,
        rules: ConnectionRules,
        faults: ExchangeFaults | None = None,
    ) -> None:
        self._venue = venue
        self._faults = faults
        self._audience = audience
        self._rules = rules
        self._attempts: defaultdict[str | None, SlidingWindow] = defaultdict(
            lambda: SlidingWindow(*rules.attempts)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of an aiohttp application."""
        return [web.get(path, self._serve) for path in self._venue.ws_paths]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            if not self._attempts[request.remote].allows(time.monotonic()):
                raise self._venue.too_many_attempts()
            if self._faults is not None and (fault := self._faults.refused_connect()) is not None:
                return fault
            session = self._venue.session(request)
        except RefusedError as refused:
            return web.Response(
                status=refused.status, body=refused.body, content_type="application/json"
            )
        ws = web.WebSocketResponse(autoping=False, compress=False, timeout=_CLOSE_WAIT_S)
        await ws.prepare(request)
        if request.transport is None:  # the client was gone before it was answered
            return ws
        connection = Connection(ws, request.transport, session)
        connection.say(session.greeting())
        self._audience.add(connection)
        keep_alive = asyncio.create_task(self._keep_alive(connection))
        try:
            # A client may leave while it is being answered.
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(self._rules.life_s):
                    await self._listen(connection)
        except TimeoutError:
            self._audience.remove(connection)
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"Connection has lived its life")
        finally:
            keep_alive.cancel()
            self._audience.remove(connection)
        return ws

    async def _listen(self, connection: Connection) -> None:
        allowance = SlidingWindow(*self._rules.messages)
        async for message in connection.ws:
            connection.active_s = time.monotonic()
            if not allowance.allows(connection.active_s):
                self._audience.remove(connection)
                await connection.ws.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
                return
            if self._faults is not None and await self._faults.answered(connection, message):
                continue
            await self._answer(connection, message)

    async def _answer(self, connection: Connection, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            await connection.ws.pong(message.data)
        elif message.type is WSMsgType.PONG:
            connection.note_pong(bytes(message.data))
        elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            text = message.data
            if isinstance(text, bytes):
                text = text.decode(errors="replace")
            # Nothing is published between what a snapshot shows and the changes after it.
            connection.say(connection.session.handle(text))
            self._audience.changed(connection)

    async def _keep_alive(self, connection: Connection) -> None:
        """Ping now and then; cut a connection that shows no life, or never says what it wants."""
        rules, began_s = self._rules, time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            while (left_s := self._end_s(connection, began_s) - time.monotonic()) > 0:
                await asyncio.sleep(min(rules.ping_interval_s or left_s, left_s))
                muted = self._faults is not None and self._faults.streams.mute(connection)
                if rules.ping_interval_s is not None and not muted:
                    await connection.ping()
        self._audience.cut(connection)

    def _end_s(self, connection: Connection, began_s: float) -> float:
        """Return when a connection is cut unless something is heard of it."""
        rules, ends_s = self._rules, [began_s + self._rules.life_s + _CLOSE_WAIT_S]
        if rules.ping_interval_s is not None:
            ends_s.append(connection.answered_s + rules.pong_timeout_s)
        if rules.idle_s is not None:
            ends_s.append(connection.active_s + rules.idle_s)
        if rules.subscribe_within_s is not None and not connection.session.view().channels:
            ends_s.append(began_s + rules.subscribe_within_s)
        return min(ends_s)
