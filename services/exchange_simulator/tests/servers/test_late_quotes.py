"""Quotes that are to be late are so on every venue, by as much as was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from aiohttp.test_utils import make_mocked_request

from exchange_simulator.market.depth import depth_at
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.late_quotes import LateQuotes
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.venues import server_of
from exchanges.catalogue import venue_named
from exchanges.events import QuoteEvent, Several
from marketstream.errors import SettingsError

from .world import exchange_of, listen, tape_of

NOW_US = 1_700_000_000_000_000
LAG_MS = 300


def told(venue: str, lag_ms: int) -> Iterator[tuple[int, QuoteEvent]]:
    """Yield the quotes that a venue's own client is sent in five seconds, and when."""
    speaks, tape = server_of(venue), LateQuotes(tape_of(venue), lag_ms)
    markets = markets_of([tape], NOW_US, speaks.wire_symbol)
    server = speaks(Exchange(markets, lambda: NOW_US))
    stream = venue_named(venue).stream([tape.symbol], "simulator")
    path = stream.stream_url(f"ws://x{server.ws_path}").removeprefix("ws://x")
    session = server.session(make_mocked_request("GET", path))
    for request in stream.subscribe_frames():
        session.handle(request.decode())
    (market,) = markets.values()
    cut = MarketCut(market, NOW_US, NOW_US + 5_000_000)
    for channel in session.view().channels:
        for time_us, _, frame in server.rows(channel, cut, microseconds=False):
            event = stream.parse(frame)
            for one in event.events if isinstance(event, Several) else (event,):
                if isinstance(one, QuoteEvent):
                    yield time_us, one


@pytest.mark.parametrize("lag_ms", [0, LAG_MS])
def test_a_quote_is_told_so_long_after_the_market_had_it(venue: str, lag_ms: int) -> None:
    tape, quotes = tape_of(venue), list(told(venue, lag_ms))
    ticks = 10**tape.price_decimals
    assert len(quotes) > 20
    for time_us, quote in quotes:
        had = tape.quote_at(time_us - lag_ms * 1_000)
        assert (quote.bid, quote.ask) == (had.bid[0] / ticks, had.ask[0] / ticks)
        if quote.time_us is not None:  # dated as it is told
            assert quote.time_us // 1_000 == time_us // 1_000


def test_trades_and_whatever_is_not_late_stay_as_they_are(venue: str) -> None:
    tape = tape_of(venue)
    late, on_time = LateQuotes(tape, LAG_MS), LateQuotes(tape, 0)
    from_us, to_us = NOW_US, NOW_US + 5_000_000
    for shown in (late, on_time):
        for one, other in zip(
            shown.trades(from_us, to_us), tape.trades(from_us, to_us), strict=True
        ):
            assert np.array_equal(one, other)
    for one, other in zip(on_time.quotes(from_us, to_us), tape.quotes(from_us, to_us), strict=True):
        assert np.array_equal(one, other)
    first = int(tape.trades(from_us, to_us).id[0])
    assert late.trades_from_id(first, 3, to_us).id.tolist() == [first, first + 1, first + 2]


def test_a_book_is_as_late_as_its_quotes() -> None:
    tape = tape_of("kraken")
    late = depth_at(LateQuotes(tape, LAG_MS), NOW_US, 5)
    before = depth_at(tape, NOW_US - LAG_MS * 1_000, 5)
    assert late is not None
    assert before is not None
    assert (late.bids, late.asks) == (before.bids, before.asks)


def test_a_running_exchange_tells_of_quotes_late() -> None:
    async def play() -> None:
        async with exchange_of("bybit", quote_lag_ms=LAG_MS) as (_, source):
            heard = await listen(source, lambda said: len(said.quotes) >= 40)
        times_ms = [quote.time_us // 1_000 for quote in heard.quotes if quote.time_us is not None]
        tape = tape_of("bybit")
        had = tape.quotes((times_ms[0] - 60_000) * 1_000, (times_ms[-1] + 1_000) * 1_000)
        ticks = 10**tape.price_decimals
        rows = zip(had.time_us.tolist(), had.bid.tolist(), had.ask.tolist(), strict=True)
        late = {(us // 1_000 + LAG_MS, bid / ticks, ask / ticks) for us, bid, ask in rows}
        said = zip(times_ms, heard.quotes, strict=True)
        assert {(ms, quote.bid, quote.ask) for ms, quote in said} <= late

    asyncio.run(play())


@pytest.mark.parametrize("lag_ms", [-1, 60_001])
def test_a_lag_beyond_reason_is_refused(lag_ms: int) -> None:
    async def play() -> None:
        with pytest.raises(SettingsError, match=f"{lag_ms} ms late: choose from 0 to 60000"):
            async with exchange_of("binance", quote_lag_ms=lag_ms):
                pass

    asyncio.run(play())
