"""Predictions over WebSocket: the same events as the stream of the same path, a message each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from marketstream.plan import Plan
from prediction_api.routes.answers import problem, too_many_streams
from prediction_api.routes.followed import asked_feed
from prediction_api.routes.markets import NoSuchMarketError, SeveralMarketsError, find_market
from prediction_api.routes.parameters import (
    BadParameterError,
    check_event_id,
    check_known,
)
from prediction_api.views.event_queue import EventQueue, line
from prediction_api.views.market_views import MarketViews

_LOOK_S = 60.0  # connections that are gone are noticed by pings, which the server sends
_TRY_AGAIN_LATER = 1013
_KNOWN = ("horizon", "after", "target")


def add_socket_routes(app: FastAPI, plan: Plan, views: MarketViews) -> None:
    """Add `/predictions/{symbol}/stream` for WebSocket."""
    markets = views.board.markets

    async def follow(socket: WebSocket) -> None:
        """Send what happens until the client leaves, or falls too far behind."""
        try:
            path, asked = socket.path_params, socket.query_params
            market = find_market(markets, path["symbol"], path.get("venue"))
            check_known(asked, _KNOWN)
            feed, horizons_ms = asked_feed(
                plan, views, asked.getlist("horizon") or None, asked.get("target")
            )
            after = asked.get("after")
            check_event_id(after)
        except (NoSuchMarketError, SeveralMarketsError, BadParameterError) as error:
            answer = await app.exception_handlers[type(error)](socket, error)  # type: ignore[arg-type,misc]
            await socket.send_denial_response(answer)
            return
        queue = EventQueue(missed=feed.missed(market, line))
        if not feed.follow(market, queue, horizons_ms, after, line):
            await socket.send_denial_response(too_many_streams(views.live.most_followers))
            return
        try:
            await socket.accept()
            await _send_until_gone(socket, queue)
        finally:
            feed.forget(market, queue)

    app.router.add_websocket_route("/predictions/{symbol}/stream", follow)
    app.router.add_websocket_route("/predictions/{venue}/{symbol:path}/stream", follow)


class OwnPages:
    """An app whose sockets open to pages of its own origin, and of those that may read it.

    Browsers ask nobody before they open a socket, and send the cookies of its server along.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] == "websocket":
            headers = dict(scope["headers"])
            origin = headers.get(b"origin", b"").decode("latin-1")
            host = headers.get(b"host", b"").decode("latin-1")
            if origin and not self._may_read(origin, host):
                app = problem(403, "No such origin", f"{origin} is not in cors_origins")
        await app(scope, receive, send)

    def _may_read(self, origin: str, host: str) -> bool:
        if not self._origins.isdisjoint((origin, "*")):
            return True
        try:
            return urlsplit(origin).netloc == host
        except ValueError:  # such as http://[
            return False


async def _send_until_gone(socket: WebSocket, queue: EventQueue) -> None:
    sending = asyncio.create_task(_send(socket, queue))
    leaving = asyncio.create_task(_left(socket))
    done, others = await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    for each in others:
        each.cancel()
    await asyncio.wait((sending, leaving))
    if sending in done:
        sending.result()


async def _send(socket: WebSocket, queue: EventQueue) -> None:
    while (told := await queue.next(_LOOK_S)) is not None:
        for message in told.splitlines():
            await socket.send_text(message.decode())
    await socket.close(_TRY_AGAIN_LATER)


async def _left(socket: WebSocket) -> None:
    """Return once the client has left; what it says meanwhile is nobody's."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
