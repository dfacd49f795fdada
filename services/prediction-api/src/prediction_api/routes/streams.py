"""Streams: of predictions, and what the dashboard lives on, a first view and a market's news."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from marketstream.plan import Plan
from marketstream.symbols import split_market
from prediction_api.delivery import CONNECTION, Delivery
from prediction_api.routes.answers import answers, json_answer, text_answers, too_many_streams
from prediction_api.routes.followed import asked_feed
from prediction_api.routes.leaving import until_left
from prediction_api.routes.markets import add_market_route, find_market
from prediction_api.routes.parameters import (
    Horizons,
    Target,
    check_event_id,
)
from prediction_api.views.event_queue import EventQueue, MarketQueue
from prediction_api.views.feed import RECONNECT_MS
from prediction_api.views.market_views import MarketViews
from prediction_api.views.status_lines import STATUS_EVERY_S, StatusLines

_KEPT_ALIVE_S = 15.0  # proxies close what is silent for longer
_RETRY = b"retry: %d\n\n" % RECONNECT_MS
_EVENT_STREAM = "text/event-stream"
_UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_EVENTS = text_answers(_EVENT_STREAM, {503: "Too many streams are open"})

_After = Annotated[str | None, Header(description="the id of the last event that was received")]

_Beside = Annotated[
    str | None, Query(description="another market to follow with it, such as binance:ETH/USDT")
]


def add_stream_routes(app: FastAPI, plan: Plan, views: MarketViews) -> None:
    """Add `/view`, `/stream` and `/predictions/{symbol}/stream`."""
    live = views.live
    lines = StatusLines(views)
    delivery = Delivery()
    live_markets = views.board.markets

    async def view(market: str) -> Response:
        """Return what the dashboard draws first: candles, predictions, their outcomes."""
        venue, symbol = split_market(market)
        kept = msgspec.structs.asdict(live.view(market))
        return json_answer({"market": market, "venue": venue, "symbol": symbol, **kept})

    def stream(market: str, beside: str | None) -> Response:
        markets = [market] if beside is None else [market, _named(live_markets, beside)]
        queue = EventQueue()
        followed: list[tuple[str, EventQueue]] = [
            (each, queue if len(markets) == 1 else MarketQueue(each, queue)) for each in markets
        ]

        def forget() -> None:
            for each, its_queue in followed:
                live.forget(each, its_queue)

        if not all(live.follow(each, its_queue) for each, its_queue in followed):
            forget()
            return too_many_streams(live.most_followers)
        return _Stream(_news(queue, lines, followed), ended=forget)

    told = (
        "Send news of a market as they happen, and its status each second. With another market "
        "`beside` it, news of both: before each event a `market` says of which it is."
    )

    @app.get("/stream/{symbol}", description=told, **_EVENTS)
    async def stream_by_symbol(symbol: str, beside: _Beside = None) -> Response:
        return stream(find_market(live_markets, symbol), beside)

    @app.get("/stream/{venue}/{symbol:path}", description=told, **_EVENTS)
    async def stream_by_venue(venue: str, symbol: str, beside: _Beside = None) -> Response:
        return stream(find_market(live_markets, symbol, venue), beside)

    about = (
        "Send predictions and what came of them as they happen, as Server-Sent Events: "
        "`prediction` and `outcome`, each with an id. A client that comes back with the last one "
        "in `Last-Event-ID` is sent what it missed; what is no longer remembered is declared by "
        "an event `missed`, and stands in the history. The same path opens as a WebSocket, with "
        "`after` in the place of `Last-Event-ID`. With `target` volatility or range the events are "
        "`move` and `move_outcome`: how far the price is said to go, and how far it went."
    )

    def feed(
        market: str, horizons: list[str] | None, after: str | None, target: str | None
    ) -> Response:
        followed, horizons_ms = asked_feed(plan, views, horizons, target)
        check_event_id(after)
        queue = EventQueue(missed=followed.missed(market))
        if not followed.follow(market, queue, horizons_ms, after):
            return too_many_streams(live.most_followers)
        return _Feed(queue, delivery, ended=lambda: followed.forget(market, queue))

    @app.get("/predictions/{symbol}/stream", description=about, **_EVENTS)
    async def feed_by_symbol(
        symbol: str,
        horizon: Horizons = None,
        last_event_id: _After = None,
        target: Target = None,
    ) -> Response:
        return feed(find_market(views.board.markets, symbol), horizon, last_event_id, target)

    @app.get("/predictions/{venue}/{symbol:path}/stream", description=about, **_EVENTS)
    async def feed_by_venue(
        venue: str,
        symbol: str,
        horizon: Horizons = None,
        last_event_id: _After = None,
        target: Target = None,
    ) -> Response:
        market = find_market(views.board.markets, symbol, venue)
        return feed(market, horizon, last_event_id, target)

    add_market_route(app, "view", views.board.markets, view, responses=answers(dict[str, Any], {}))


class _Stream(StreamingResponse):
    """A stream that says when it has ended, even if its client left before it began."""

    def __init__(self, content: AsyncIterator[bytes], *, ended: Callable[[], None]) -> None:
        super().__init__(content, media_type=_EVENT_STREAM, headers=_UNBUFFERED)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


class _Feed(_Stream):
    """The stream of a queue, which is written to its connection where there is one."""

    def __init__(self, queue: EventQueue, delivery: Delivery, *, ended: Callable[[], None]) -> None:
        super().__init__(_events(queue), ended=ended)
        self._queue = queue
        self._delivery = delivery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        connection = scope.get(CONNECTION)
        if connection is None:
            await super().__call__(scope, receive, send)
            return
        left = asyncio.create_task(until_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            body = {"type": "http.response.body", "body": _RETRY, "more_body": True}
            await send(body)
            await self._delivery.write(self._queue, connection, left)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            left.cancel()
            self._ended()


async def _events(queue: EventQueue) -> AsyncIterator[bytes]:
    yield _RETRY
    while (told := await queue.next(_KEPT_ALIVE_S)) is not None:
        yield told or b": nothing has happened\n\n"


async def _news(
    queue: EventQueue, lines: StatusLines, followed: Sequence[tuple[str, EventQueue]]
) -> AsyncIterator[bytes]:
    status_due_s = time.monotonic()
    while True:
        if time.monotonic() >= status_due_s:
            status_due_s = time.monotonic() + STATUS_EVERY_S
            for market, its_queue in followed:
                line = await lines.line(market)
                yield its_queue.of_market(line) if isinstance(its_queue, MarketQueue) else line
        news = await queue.next(status_due_s - time.monotonic())
        if news is None:
            return
        if news:
            yield news


def _named(markets: Sequence[str], market: str) -> str:
    """Return the market that `venue:SYMBOL` names; raises NoSuchMarketError."""
    venue, colon, symbol = market.partition(":")
    return find_market(markets, symbol if colon else venue, venue if colon else None)
