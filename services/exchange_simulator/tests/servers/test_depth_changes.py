"""A snapshot of any moment and the changes told after it are the market's book, level by level.

https://github.com/binance/binance-spot-api-docs: web-socket-streams.md, "How to manage a local
order book correctly".
"""

from __future__ import annotations

import asyncio
import json
import random
from itertools import pairwise
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from exchange_simulator.market.depth import BOOK_LEVELS, changes, depth_at
from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.market.tape import Tape
from exchange_simulator.serving.cut import MarketCut
from exchange_simulator.serving.exchange import Exchange
from exchange_simulator.serving.markets import markets_of
from exchange_simulator.serving.view import Channel
from exchange_simulator.venues import server_of

from .world import SEED, symbol_of

NOW_US = 1_700_000_000_000_000
UNTIL_US = NOW_US + 12_000_000
OF_BINANCE = pytest.mark.parametrize("binance", ["binance", "binance-usdm"])

type Sides = tuple[dict[int, int], dict[int, int]]


class Told:
    """What a server says of one market: snapshots by REST, and changes by its stream."""

    def __init__(self, venue: str, tape: Tape) -> None:
        self._now_us = NOW_US
        speaks = server_of(venue)
        markets = markets_of([tape], NOW_US, speaks.wire_symbol)
        self._server = speaks(Exchange(markets, lambda: self._now_us))
        (self._market,) = markets.values()
        self._tape = tape

    def snapshot(self, at_us: int) -> dict[str, Any]:
        self._now_us = at_us
        (route,) = (one for one in self._server.routes() if one.path.endswith("/depth"))
        query = f"symbol={self._market.wire_symbol}&limit=1000"
        request = make_mocked_request("GET", f"{route.path}?{query}")

        async def answer() -> dict[str, Any]:
            said: dict[str, Any] = json.loads((await route.answer(request)).body)
            return said

        return asyncio.run(answer())

    def events(
        self, every_ms: int, from_us: int = NOW_US, to_us: int = UNTIL_US
    ) -> list[tuple[int, dict[str, Any]]]:
        name = f"depth@{every_ms}ms"
        channel = Channel(name, self._market.wire_symbol, "book", name)
        cut = MarketCut(self._market, from_us, to_us)
        rows = self._server.rows(channel, cut, microseconds=False)
        return [(time_us, json.loads(frame)) for time_us, _, frame in rows]

    def units(self, levels: list[list[str]]) -> dict[int, int]:
        ticks, lots = 10**self._tape.price_decimals, 10**self._tape.quantity_decimals
        return {round(float(p) * ticks): round(float(q) * lots) for p, q in levels}


def apply(side: dict[int, int], changed: dict[int, int]) -> None:
    side.update(changed)
    for price in [price for price, lots in side.items() if not lots]:
        del side[price]


def ledger(tape: Tape, at_us: int) -> Sides:
    depth = depth_at(tape, at_us, BOOK_LEVELS)
    assert depth is not None
    return dict(depth.bids), dict(depth.asks)


def lively(venue: str) -> SeededMarket:
    return SeededMarket(symbol_of(venue), SEED, trades_per_second=300.0)


@OF_BINANCE
@pytest.mark.parametrize("every_ms", [100, 500])
def test_a_snapshot_of_any_moment_and_the_changes_after_it_are_the_book(
    binance: str, every_ms: int
) -> None:
    tape = lively(binance)
    told = Told(binance, tape)
    events = [(event, ledger(tape, time_us)) for time_us, event in told.events(every_ms)]
    assert len(events) >= 20
    draw = random.Random(SEED)
    for _ in range(100):
        snapshot = told.snapshot(draw.randrange(NOW_US, UNTIL_US - 2_000_000))
        bids, asks = told.units(snapshot["bids"]), told.units(snapshot["asks"])
        last = snapshot["lastUpdateId"]
        after = [(event, true) for event, true in events if event["u"] > last]
        assert after[0][0]["U"] <= last + 1 <= after[0][0]["u"]
        for event, true in after:
            apply(bids, told.units(event["b"]))
            apply(asks, told.units(event["a"]))
            assert (bids, asks) == true


@OF_BINANCE
def test_changes_follow_on_each_other_by_their_numbers(binance: str) -> None:
    events = [event for _, event in Told(binance, lively(binance)).events(100)]
    for before, event in pairwise(events):
        assert event["U"] == before["u"] + 1
        assert event.get("pu", before["u"]) == before["u"]


def test_changes_begin_with_the_first_quote_of_a_market(small_market: RecordedMarket) -> None:
    start_us = small_market.start_us
    assert start_us is not None
    told = Told("binance", small_market)
    ((time_us, event), *_) = told.events(100, start_us - 100_000, start_us + 100_000)
    assert (event["U"], event["u"]) == (500, 500)
    assert (told.units(event["b"]), told.units(event["a"])) == ledger(small_market, time_us)


def test_a_price_that_came_and_went_is_told_as_gone() -> None:
    here, there = ((10, 1), (9, 2)), ((12, 5), (9, 2))
    assert changes(here, there, here) == ((12, 0), (10, 1))
    assert changes(here, there) == ((10, 0), (12, 5))
    assert changes(here, here) == ()
