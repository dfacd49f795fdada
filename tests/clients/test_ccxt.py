"""ccxt is answered by REST what the simulated market did."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from .ccxt_exchange import ccxt_of, contract_size, fills_of, side_of
from .ledger import Candle, assert_book, assert_candles, assert_fills, tick_and_lot

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_ROWS = 50
_LEVELS = 10
_BACK = 20_000  # trades


def test_markets_have_the_tick_and_lot_of_the_exchange(venue: str) -> None:
    async def play() -> None:
        async with ccxt_of(venue) as (client, symbol):
            market = client.market(symbol)
            tick, lot = tick_and_lot(venue)
            assert market["active"]
            assert market["spot"] != (":" in symbol)
            assert market["precision"]["price"] == pytest.approx(tick)
            amount = market["precision"]["amount"] * contract_size(client, symbol)
            assert amount == pytest.approx(lot)

    asyncio.run(play())


def test_recent_trades_are_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with ccxt_of(venue) as (client, symbol):
            trades = await client.fetch_trades(symbol, limit=_ROWS)
            assert len(trades) == _ROWS
            assert_fills(venue, fills_of(client, trades))

    asyncio.run(play())


@pytest.mark.parametrize("by_time", ["binance", "binance-usdm", "kraken"])
def test_trades_since_a_time_are_of_the_ledger(by_time: str) -> None:
    async def play() -> None:
        async with ccxt_of(by_time) as (client, symbol):
            since_ms = int(time.time() - 300) * 1_000  # Kraken's begin with a full second
            trades = await client.fetch_trades(symbol, since=since_ms, limit=_ROWS)
            assert len(trades) == _ROWS
            assert since_ms <= trades[0]["timestamp"] < since_ms + 2_000
            assert_fills(by_time, fills_of(client, trades))

    asyncio.run(play())


@pytest.mark.parametrize("by_id", ["coinbase", "okx", "okx-swap"])
def test_trades_before_an_id_are_of_the_ledger(by_id: str) -> None:
    async def play() -> None:
        async with ccxt_of(by_id) as (client, symbol):
            newest = await client.fetch_trades(symbol, limit=1)
            after = int(newest[-1]["id"]) - _BACK
            params: dict[str, Any] = {"after": str(after)}
            if by_id != "coinbase":
                params["method"] = "publicGetMarketHistoryTrades"
            trades = await client.fetch_trades(symbol, limit=_ROWS, params=params)
            assert [int(one["id"]) for one in trades] == list(range(after - _ROWS, after))
            assert_fills(by_id, fills_of(client, trades))

    asyncio.run(play())


def test_candles_are_the_fold_of_the_trades(venue: str) -> None:
    async def play() -> None:
        async with ccxt_of(venue) as (client, symbol):
            since_ms = int(time.time() // 60 - 6) * 60_000
            rows = await client.fetch_ohlcv(symbol, "1m", since=since_ms, limit=6)
            assert_candles(venue, [Candle(*row) for row in rows])  # of swaps in base units too

    asyncio.run(play())


def test_books_are_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with ccxt_of(venue) as (client, symbol):
            book = await client.fetch_order_book(symbol, limit=_LEVELS)
            sides = [side_of(client, symbol, book[side], _LEVELS) for side in ("bids", "asks")]
            assert [len(side) for side in sides] == [_LEVELS, _LEVELS]
            assert_book(venue, *sides)

    asyncio.run(play())
