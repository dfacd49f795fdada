"""Binance's market streams over WebSocket: connections, their keep-alive and their limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from exchange_simulator.binance.audience import Audience
from exchange_simulator.binance.connection import Connection
from exchange_simulator.binance.limits import SlidingWindow
from exchange_simulator.binance.subscriptions import Subscriptions
from exchange_simulator.faults.exchange import ExchangeFaults
from exchanges.binance.wire import MOST_STREAMS

_CLOSE_WAIT_S = 1.0


@dataclass(frozen=True)
class ConnectionRules:
    """How long connections live and how much they may say, as Binance has it."""

    ping_interval_s: float = 20.0
    pong_timeout_s: float = 60.0
    life_s: float = 86_400.0
    messages_per_second: int = 5
    attempts_per_5_minutes: int = 300


class StreamServer:
    """The routes `/ws`, `/ws/<stream>` and `/stream?streams=a/b`."""

    def __init__(
        self, audience: Audience, rules: ConnectionRules, faults: ExchangeFaults | None = None
    ) -> None:
        self._faults = faults
        self._audience = audience
        self._rules = rules
        self._attempts: defaultdict[str | None, SlidingWindow] = defaultdict(
            lambda: SlidingWindow(rules.attempts_per_5_minutes, 300.0)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of an aiohttp application."""
        return [
            web.get("/ws", self._raw),
            web.get("/ws/{streams:.*}", self._raw),
            web.get("/stream", self._combined),
        ]

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        names = request.match_info.get("streams", "").split("/")
        return await self._serve(request, names, combined=False)

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(
            request, request.query.get("streams", "").split("/"), combined=True
        )

    async def _serve(
        self, request: web.Request, names: Sequence[str], *, combined: bool
    ) -> web.StreamResponse:
        unit = request.query.get("timeUnit", "MILLISECOND").upper()
        names = [name for name in names if name]
        if not self._attempts[request.remote].allows(time.monotonic()):
            return _refused(
                429, -1003, "Too many connection attempts; current limit is 300 per 5 minutes."
            )
        if self._faults is not None and (refusal := self._faults.refused_connect()) is not None:
            return refusal
        if unit not in ("MILLISECOND", "MICROSECOND"):
            expected = "expected either MICROSECOND or MILLISECOND"
            return _refused(400, -1194, f"Invalid value for time unit; {expected}.")
        if len(names) > MOST_STREAMS:
            return _refused(400, -1191, f"Too many subscriptions; {MOST_STREAMS} at most.")
        ws = web.WebSocketResponse(autoping=False, compress=False, timeout=_CLOSE_WAIT_S)
        await ws.prepare(request)
        if request.transport is None:  # the client was gone before it was answered
            return ws
        connection = Connection(
            ws,
            request.transport,
            Subscriptions(names, combined=combined),
            microseconds=unit == "MICROSECOND",
        )
        self._audience.add(connection)
        keep_alive = asyncio.create_task(self._keep_alive(connection))
        try:
            # A client may leave while it is being answered.
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(self._rules.life_s):
                    await self._listen(connection)
        except TimeoutError:
            self._audience.remove(connection)
            await ws.close(code=WSCloseCode.GOING_AWAY, message=b"Connection is 24 hours old")
        finally:
            keep_alive.cancel()
            self._audience.remove(connection)
        return ws

    async def _listen(self, connection: Connection) -> None:
        allowance = SlidingWindow(self._rules.messages_per_second, 1.0)
        async for message in connection.ws:
            if not allowance.allows(time.monotonic()):
                self._audience.remove(connection)
                await connection.ws.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
                return
            if self._faults is not None and await self._faults.answered(connection, message):
                continue
            if message.type is WSMsgType.PING:
                await connection.ws.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.note_pong(bytes(message.data))
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                text = message.data
                if isinstance(text, bytes):
                    text = text.decode(errors="replace")
                await connection.ws.send_str(connection.subscriptions.handle(text))
                self._audience.changed(connection)

    async def _keep_alive(self, connection: Connection) -> None:
        """Ping now and then; cut the connection where no pong has come for too long."""
        with contextlib.suppress(ConnectionResetError):
            while True:
                left_s = connection.answered_s + self._rules.pong_timeout_s - time.monotonic()
                if left_s <= 0:
                    break
                await asyncio.sleep(min(self._rules.ping_interval_s, left_s))
                if self._faults is None or not self._faults.streams.mute(connection):
                    await connection.ping()
        self._audience.cut(connection)


def _refused(status: int, code: int, message: str) -> web.Response:
    body = json.dumps({"code": code, "msg": message}, separators=(",", ":"))
    return web.Response(status=status, text=body, content_type="application/json")
