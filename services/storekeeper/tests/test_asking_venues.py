"""What trades say of some intervals is the same whichever way a venue's pages go on."""

from __future__ import annotations

import asyncio
import time

import pytest

from exchange_simulator import SeededMarket
from exchange_simulator.server import start
from exchanges.catalogue import venue_named
from exchanges.checks import samples_of
from exchanges.client import RestClient, fetch_newest_trade
from marketstream.symbols import market_of
from storekeeper.asking import ask
from storekeeper.refolding import Interval

SECONDS = 40


@pytest.mark.parametrize("name", ["binance", "coinbase", "kraken"])
def test_intervals_of_many_pages_are_folded_whole(name: str) -> None:
    venue = venue_named(name)
    symbol = samples_of(venue).symbol
    market = market_of(name, symbol)
    tape = SeededMarket(symbol, 7, trades_per_second=100.0)
    end_ms = (int(time.time()) - 10) // 60 * 60_000  # the exchange's own candle is closed
    intervals: list[Interval] = [
        (open_ms, open_ms + 1_000) for open_ms in range(end_ms - SECONDS * 1_000, end_ms, 1_000)
    ]

    async def run() -> None:
        exchange = await start([tape], venue=name)
        try:
            async with RestClient(venue, exchange.rest_url) as client:
                newest = await fetch_newest_trade(client, symbol)
                assert newest is not None
                price = newest.trade.price
                answer = await ask(client, market, symbol, intervals, {}, price)
        finally:
            await exchange.close()
        assert answer.otherwise == []
        for interval in intervals:
            true = tape.trades(interval[0] * 1_000, interval[1] * 1_000)
            candle = answer.refold.candle(market, "1s", interval)
            assert candle.trade_count == len(true.id)
            assert candle.last_trade_id == int(true.id[-1])

    asyncio.run(run())
