"""What a venue's own client hears over a socket is what the simulated market did."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from exchange_simulator.faults.spec import parse_spec
from exchange_simulator.market.depth import depth_at
from exchange_simulator.serving.port import ConnectionRules, Pace
from exchange_simulator.venues import server_of, simulated
from exchanges.catalogue import venue_named, venues
from exchanges.events import BookEvent
from exchanges.sources import Source
from marketstream.errors import SettingsError
from marketstream.messages import Trade

from .world import LOT, Heard, exchange_of, listen, tape_of

_TRADES = 80


def truth(venue: str, trades: list[Trade]) -> list[Trade]:
    """Return what was traded while these trades were: ids are the tape's own."""
    tape = tape_of(venue)
    columns = tape.trades(ms(trades[0]) * 1_000, trades[-1].time_us + 1)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    return [
        Trade(id_, price / ticks, quantity / lots, "sell" if sells else "buy", time_us)
        for id_, time_us, price, quantity, sells, _ in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def without_ids(trades: list[Trade]) -> list[tuple[object, ...]]:
    return [(ms(one), one.price, round(one.quantity, LOT), one.taker) for one in trades]


def ms(trade: Trade) -> int:
    return trade.time_us // 1_000  # what is finer may be an order, where ids are none


def test_every_venue_of_the_catalogue_is_simulated() -> None:
    assert simulated() == tuple(venues())
    with pytest.raises(SettingsError, match="no simulated exchange speaks 'mtgox'"):
        server_of("mtgox")


def test_trades_are_those_of_the_ledger_and_none_is_missing(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (exchange, source):
            heard = await listen(source, lambda said: len(said.trades) >= _TRADES)
            assert exchange.ledger.trades_sent[source.symbols[0]] > 0
        assert {one.kind for one in heard.notices} == {"subscribed"}
        assert {one.market for one in heard.trades} == set(source.markets)
        by_id = {one.trade.id: one.trade for one in heard.trades}
        trades = list(by_id.values())
        said_since = ms(trades[0])
        # Of the last ms there may be more to come, of the first some may have been before.
        inside = [one for one in trades if said_since < ms(one) < ms(trades[-1])]
        true = truth(venue, inside)
        assert len(inside) >= _TRADES // 2
        assert sorted(without_ids(inside)) == sorted(without_ids(true))
        if source.venue.ids != "opaque":
            assert [one.id for one in inside] == [one.id for one in true]
            assert without_ids(inside) == without_ids(true)

    asyncio.run(play())


def test_quotes_are_uncrossed_and_those_of_the_market(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (_, source):
            heard = await listen(source, lambda said: len(said.quotes) >= 40)
        tape = tape_of(venue)
        ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
        first_us = heard.trades[0].trade.time_us if heard.trades else heard.quotes[0].time_us or 0
        columns = tape.quotes(first_us - 10_000_000, first_us + 60_000_000)
        true = {
            (bid / ticks, bid_size / lots, ask / ticks, ask_size / lots)
            for _, _, bid, bid_size, ask, ask_size, _ in zip(
                *(column.tolist() for column in columns), strict=True
            )
        }
        for quote in heard.quotes:
            assert quote.bid < quote.ask
            assert (quote.time_us is not None) == source.venue.quote_times
            sizes = round(quote.bid_quantity, LOT), round(quote.ask_quantity, LOT)
            assert (quote.bid, sizes[0], quote.ask, sizes[1]) in true
        times = [quote.time_us for quote in heard.quotes if quote.time_us is not None]
        assert times == sorted(times)

    asyncio.run(play())


def applied(side: dict[float, float], levels: tuple[tuple[float, float], ...]) -> None:
    for price, quantity in levels:
        if quantity:
            side[price] = round(quantity, LOT)
        else:
            side.pop(price, None)


def test_books_are_whole_whatever_way_they_are_told(venue: str) -> None:
    async def play() -> None:
        levels = min(10, venue_named(venue).book_levels)
        async with exchange_of(venue) as (_, source):
            heard = await listen(source, lambda said: len(said.books) >= 12, levels=levels)
        assert heard.books[0].is_snapshot
        bids: dict[float, float] = {}
        asks: dict[float, float] = {}
        seen = []
        for book in heard.books:
            if book.is_snapshot:
                bids.clear()
                asks.clear()
            applied(bids, book.bids)
            applied(asks, book.asks)
            seen.append((sorted(bids.items(), reverse=True)[:5], sorted(asks.items())[:5]))
        check_books(venue, heard, seen)
        check_numbers(heard.books)

    asyncio.run(play())


def check_books(venue: str, heard: Heard, seen: list[tuple[Any, Any]]) -> None:
    """Check that every book is one that the market had, the later the later."""
    tape = tape_of(venue)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    first_us = heard.trades[0].trade.time_us if heard.trades else heard.books[0].time_us or 0
    times = tape.quotes(first_us - 30_000_000, first_us + 60_000_000).time_us.tolist()
    true = []
    for time_us in times:
        depth = depth_at(tape, time_us + 1, 5)
        assert depth is not None
        true.append(
            tuple(
                [(price / ticks, size / lots) for price, size in side]
                for side in (depth.bids, depth.asks)
            )
        )
    places = [true.index(book) for book in seen]
    assert places == sorted(places)
    assert places[0] < places[-1]


def check_numbers(books: list[BookEvent]) -> None:
    """Check that changes follow on each other without a gap, where they are numbered."""
    for before, after in pairwise(books):
        if after.is_snapshot or before.last is None:
            continue
        if after.follows is not None:
            assert after.follows == before.last
        elif after.first is not None:
            assert after.first == before.last + 1


def test_a_line_that_is_up_says_so(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (_, source):

            def until(heard: Heard) -> bool:
                says_so = source.venue.silence == "last_id" or venue == "kraken"
                stream = source.venue.stream(source.symbols, source.name)
                wanted = says_so or stream.keepalive is not None
                return bool(heard.alive) if wanted else bool(heard.trades)

            heard = await listen(source, until, keepalive=True)
        if source.venue.silence == "last_id":
            alive = heard.alive[-1]
            assert alive.last_id == max(one.trade.id for one in heard.trades)

    asyncio.run(play())


def refused_symbol(venue: str) -> str:
    return "QQQ/ZZZ:ZZZ" if ":" in tape_of(venue).symbol else "QQQ/ZZZ"


def test_symbols_that_are_not_traded_are_refused_or_stay_silent(venue: str) -> None:
    async def play() -> None:
        async with exchange_of(venue) as (_, source):
            other = Source(
                source.name, source.venue, source.ws_url, source.rest_url, (refused_symbol(venue),)
            )
            stream = other.venue.stream(other.symbols, other.name)
            heard = Heard()
            async with (
                asyncio.timeout(30),
                aiohttp.ClientSession() as session,
                session.ws_connect(stream.stream_url(other.ws_url)) as ws,
            ):
                for frame in stream.subscribe_frames():
                    await ws.send_str(frame.decode())
                while not heard.notices:
                    heard.take(stream.parse((await ws.receive()).data.encode()))
            silent = venue.startswith("binance")  # names of streams are taken as they come
            assert heard.notices[0].kind == ("subscribed" if silent else "refused")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("venue_name", "rules"),
    [
        ("okx", ConnectionRules(ping_interval_s=None, idle_s=0.2)),
        ("coinbase", ConnectionRules(ping_interval_s=None, subscribe_within_s=0.2)),
    ],
)
def test_a_connection_that_asks_for_nothing_is_cut(venue_name: str, rules: ConnectionRules) -> None:
    async def play() -> None:
        async with (
            exchange_of(venue_name, rules=rules) as (exchange, _),
            asyncio.timeout(30),
            aiohttp.ClientSession() as session,
            session.ws_connect(exchange.ws_url) as ws,
        ):
            assert (await ws.receive()).type in (
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.CLOSED,
            )

    asyncio.run(play())


def test_too_many_messages_end_a_connection(venue: str) -> None:
    async def play() -> None:
        rules = ConnectionRules(ping_interval_s=None, messages=Pace(1, 60.0))
        async with exchange_of(venue, rules=rules) as (_, source):
            stream = source.venue.stream(source.symbols, source.name)
            async with (
                asyncio.timeout(30),
                aiohttp.ClientSession() as session,
                session.ws_connect(stream.stream_url(source.ws_url)) as ws,
            ):
                for _ in range(2):
                    await ws.send_str(stream.subscribe_frames()[0].decode())
                async for _ in ws:
                    pass
                assert ws.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION

    asyncio.run(play())


def test_refused_subscriptions_are_said_in_the_words_of_the_venue(venue: str) -> None:
    async def play() -> None:
        spec = parse_spec("refuse_subscribe=100%")
        async with exchange_of(venue, faults=spec) as (_, source):
            heard = await listen(source, lambda said: bool(said.notices))
        assert heard.notices[0].kind == "refused"
        assert heard.trades == []

    asyncio.run(play())
