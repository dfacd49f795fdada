"""ccxt.pro hears over a WebSocket what the simulated market did."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .ccxt_exchange import ccxt_of, contract_size, fills_of, side_of
from .ledger import PATIENCE_S, SYMBOLS, assert_book, assert_fills

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_TRADES = 100
_UPDATES = 20
_LEVELS = 10
# What ccxt asks Coinbase for books needs an account; it hears no best bids and asks there either.
_WITH_BOOKS = [venue for venue in SYMBOLS if venue != "coinbase"]


def test_trades_are_those_of_the_ledger_and_none_is_missing(venue: str) -> None:
    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), ccxt_of(venue) as (client, symbol):
            client.newUpdates = True
            trades: list[dict[str, Any]] = []
            while len(trades) < _TRADES:
                trades += await client.watch_trades(symbol)
            assert_fills(venue, fills_of(client, trades))

    asyncio.run(play())


@pytest.mark.parametrize("quoted", _WITH_BOOKS)
def test_best_bids_and_asks_are_those_of_the_ledger(quoted: str) -> None:
    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), ccxt_of(quoted) as (client, symbol):
            size = contract_size(client, symbol)
            for _ in range(_UPDATES):
                best = (await client.watch_bids_asks([symbol]))[symbol]
                assert_book(
                    quoted,
                    [(best["bid"], best["bidVolume"] * size)],
                    [(best["ask"], best["askVolume"] * size)],
                )

    asyncio.run(play())


def test_a_ticker_of_coinbase_has_the_quote_of_the_ledger() -> None:
    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), ccxt_of("coinbase") as (client, symbol):
            for _ in range(_UPDATES):
                best = await client.watch_ticker(symbol)
                bids, asks = [(best["bid"], best["bidVolume"])], [(best["ask"], best["askVolume"])]
                assert_book("coinbase", bids, asks)

    asyncio.run(play())


@pytest.mark.parametrize("deep", _WITH_BOOKS)
def test_books_stay_those_of_the_ledger_update_by_update(deep: str) -> None:
    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), ccxt_of(deep) as (client, symbol):
            for _ in range(_UPDATES):
                book = await client.watch_order_book(symbol)
                sides = [side_of(client, symbol, book[side], _LEVELS) for side in ("bids", "asks")]
                assert_book(deep, *sides)

    asyncio.run(play())
