"""What is told of perpetuals by a connection of its own, and by REST: beside that of the trades."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from loguru import logger

from exchanges.client import RestClient
from exchanges.events import (
    Alive,
    BookEvent,
    ContextEvent,
    LiquidationEvent,
    QuoteEvent,
    TradeEvent,
)
from exchanges.sources import Source
from exchanges.venue import Request
from marketstream.errors import NetworkError
from marketstream.messages import Trade
from trades.feed import Feed
from trades.intake import Counts, PublishDeadLetter
from trades.session.market import MarketSession

_SILENT_US = 30_000_000  # venues tell of every perpetual more often than that
_MOST_SILENT_US = 64 * _SILENT_US  # for one of which nothing is told again and again
_HEARTBEAT_S = 0.25
_LEAST_PAUSE_S = 0.1  # between two questions


class Told:
    """A market's session as a connection beside the one of its trades knows it.

    Where nothing is told the connection is given up, which is that of other markets too: so where
    the next one tells nothing either, it is given twice the time, and so on.
    """

    def __init__(self, session: MarketSession) -> None:
        self.trades = self.quotes = self.duplicates = 0
        self.drop: str | None = None
        self._session = session
        self._least_us = round(_SILENT_US * session.rules.speed)
        self._most_us = round(_MOST_SILENT_US * session.rules.speed)
        self._silent_us = self._least_us
        self._heard_us = 0

    gaps = missing = 0

    def tell(self, event: ContextEvent | LiquidationEvent, received_us: int) -> None:
        """Pass on what is told; raises BadMessage where it makes no sense."""
        if not (isinstance(event, ContextEvent) and event.asked):
            self._heard_us, self._silent_us = received_us, self._least_us
        self._session.tell(event, received_us)

    def flush(self, received_us: int) -> None:
        """Have it published."""
        self._session.flush(received_us)

    def connected(self, received_us: int) -> None:
        """Begin to wait for it."""
        self.drop, self._heard_us = None, received_us

    def lost(self, received_us: int) -> None:
        """Say that nobody knows from now on."""
        self.drop = None
        self._session.untold(received_us)

    def tick(self, received_us: int, *, alive: bool = True) -> None:
        """Give the connection up where nothing comes by it."""
        if self.drop is not None or not (alive and self._heard_us):
            return
        if received_us - self._heard_us > self._silent_us:
            self._silent_us = min(2 * self._silent_us, self._most_us)
            self.drop = f"nothing is told of {self._session.market}"

    def add_trade(self, trade: Trade, received_us: int) -> None:
        """Leave it to the connection that is asked for trades."""

    def add(self, event: TradeEvent | QuoteEvent, received_us: int) -> None:
        """Leave it to the connection that is asked for quotes."""

    def book(self, event: BookEvent, received_us: int) -> None:
        """Leave it to the connection that is asked for books."""

    def alive(self, event: Alive, received_us: int) -> None:
        """Leave it: only what is told counts."""


class Apart:
    """Follows what a source tells by a connection of its own and by REST, as far as it does.

    Without sessions nothing is followed. `tap` gets each frame, and each answer that is read as
    one, before the sessions do.
    """

    def __init__(
        self,
        source: Source,
        sessions: Mapping[str, MarketSession] | None,
        *,
        publish_dead_letter: PublishDeadLetter,
        silence_s: float = 10.0,
        clock: Callable[[], int] = time.time_ns,
        speed: float = 1.0,
        tap: Callable[[bytes, int], None] | None = None,
    ) -> None:
        self._source = source
        self._speed = max(1.0, speed)
        self._feed = None
        stream = source.stream_apart()
        if stream is not None and sessions is not None:
            self._feed = Feed(
                stream,
                {market: Told(session) for market, session in sessions.items()},
                ws_url=source.ws_url,
                other_urls=[host.ws_url for host in source.other_hosts],
                publish_dead_letter=publish_dead_letter,
                silence_s=silence_s,
                heartbeat_s=_HEARTBEAT_S / self._speed,
                clock=clock,
                tap=tap,
            )

    @property
    def counts(self) -> Counts:
        """What has come in so far."""
        return Counts() if self._feed is None else self._feed.counts

    async def run(self, client: RestClient) -> None:
        """Follow until cancelled, or until a recording has ended."""
        told, feed = self._source.venue.context, self._feed
        if told is None or feed is None:
            return
        if told.request is None:
            await feed.run()
            return
        asking = asyncio.create_task(self._ask(client, feed, told.request, told.every_s))
        try:
            await feed.run()
        finally:
            asking.cancel()
            await asyncio.wait([asking])

    async def _ask(
        self, client: RestClient, feed: Feed, request: Callable[[str], Request], every_s: float
    ) -> None:
        """Ask for each symbol in turn; what is not answered is asked for the next time."""
        symbols = self._source.symbols
        pause_s = max(_LEAST_PAUSE_S, every_s / len(symbols)) / self._speed
        refused: set[str] = set()
        while True:
            for symbol in symbols:
                try:
                    status, body = await client.get(request(symbol))
                except NetworkError as error:
                    status, body = 0, str(error).encode()
                if status == HTTPStatus.OK:
                    refused.discard(symbol)
                    feed.hear(body)
                elif symbol not in refused:
                    refused.add(symbol)  # said once
                    reason = body[:200].decode(errors="replace")
                    logger.warning("Not told", symbol=symbol, status=status, reason=reason)
                await asyncio.sleep(pause_s)


def both(one: Counts, other: Counts) -> Counts:
    """Return the counts of two connections together."""
    return Counts(
        frames=one.frames + other.frames,
        trades=one.trades,
        quotes=one.quotes,
        ignored=one.ignored + other.ignored,
        dead_letters=one.dead_letters + other.dead_letters,
        duplicates=one.duplicates,
        gaps=one.gaps,
        missing=one.missing,
        reconnects=one.reconnects + other.reconnects,
    )
