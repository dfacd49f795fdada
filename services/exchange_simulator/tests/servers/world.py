"""A simulated exchange of any venue, beside what its real client hears and asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.server import RunningExchange, start
from exchanges.catalogue import venue_named
from exchanges.checks import samples_of
from exchanges.client import RestClient, fetch_market_infos
from exchanges.contracts import InBaseUnits
from exchanges.events import Alive, BookEvent, Event, Notice, QuoteEvent, Several, TradeEvent
from exchanges.sources import Source
from exchanges.venue import Stream

SEED = 7
TRADES_PER_SECOND = 40.0
LOT = 8  # decimals that a lot has at most; a product of contracts is a float beside it
_PATIENCE_S = 60.0


def symbol_of(venue: str) -> str:
    """Return a symbol that the venue has."""
    return samples_of(venue_named(venue)).symbol


def tape_of(venue: str) -> SeededMarket:
    """Return the market that is simulated."""
    return SeededMarket(symbol_of(venue), SEED, trades_per_second=TRADES_PER_SECOND)


@asynccontextmanager
async def exchange_of(venue: str, **options: Any) -> AsyncIterator[tuple[RunningExchange, Source]]:
    """Run an exchange, and say how its client finds it."""
    tape = tape_of(venue)
    exchange = await start([tape], venue=venue, linger_s=0.0, **options)
    try:
        symbols = (tape.symbol,)
        yield (
            exchange,
            Source("simulator", venue_named(venue), exchange.ws_url, exchange.rest_url, symbols),
        )
    finally:
        await exchange.close()


@asynccontextmanager
async def asking(source: Source, **options: float) -> AsyncIterator[RestClient]:
    """Open a client that knows the markets already."""
    async with source.client(**options) as client:
        await fetch_market_infos(client, source.symbols)
        yield client


@dataclass
class Heard:
    """What a stream said, apart by what it was."""

    trades: list[TradeEvent] = field(default_factory=list)
    quotes: list[QuoteEvent] = field(default_factory=list)
    books: list[BookEvent] = field(default_factory=list)
    alive: list[Alive] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Put an event where it belongs."""
        for one in event.events if isinstance(event, Several) else (event,):
            for kind, some in (
                (TradeEvent, self.trades), (QuoteEvent, self.quotes), (BookEvent, self.books),
                (Alive, self.alive), (Notice, self.notices),
            ):  # fmt: skip
                if isinstance(one, kind):
                    some.append(one)


async def listen(
    source: Source, until: Callable[[Heard], bool], *, levels: int = 0, keepalive: bool = False
) -> Heard:
    """Follow a market as the venue's own client does until enough was heard."""
    stream: Stream = source.venue.stream(source.symbols, source.name, levels=levels)
    if source.venue.in_contracts:
        async with asking(source):
            stream = InBaseUnits(stream, source.contract_sizes)
    heard = Heard()
    async with (
        asyncio.timeout(_PATIENCE_S),
        aiohttp.ClientSession() as session,
        session.ws_connect(stream.stream_url(source.ws_url), max_msg_size=0) as ws,
    ):
        for frame in stream.subscribe_frames():
            await ws.send_str(frame.decode())
        if keepalive and stream.keepalive is not None:
            await ws.send_str(stream.keepalive.decode())
        while not until(heard):
            message = await ws.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            heard.take(stream.parse(message.data.encode()))
    return heard
