"""python-kraken-sdk hears and is answered what the simulated market did."""

from __future__ import annotations

import asyncio
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from kraken.base_api import SpotClient
from kraken.spot import Market, SpotOrderBookClient, SpotWSClient

from .ledger import (
    PATIENCE_S,
    SYMBOLS,
    Candle,
    Fill,
    assert_book,
    assert_candles,
    assert_fills,
    exchange_of,
    levels,
    minutes_ago,
    ws_root,
)

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_PAIR = SYMBOLS["kraken"]
_ROWS = 50
_LEVELS = 10
_TRADES = 100
_BOOKS = 20


def test_rest_is_of_the_ledger() -> None:
    def ask(url: str) -> None:
        client: Any = Market(url=url)
        ((name, rows),) = (
            item
            for item in client.get_recent_trades(pair="XBTUSD", count=_ROWS).items()
            if item[0] != "last"
        )
        assert len(rows) == _ROWS
        takers = {"b": "buy", "s": "sell"}
        assert_fills(
            "kraken",
            [
                Fill(str(row[6]), int(row[2] * 1_000), float(row[0]), float(row[1]), takers[row[3]])
                for row in rows
            ],
        )
        book = client.get_order_book(pair="XBTUSD", count=_LEVELS)[name]
        assert_book("kraken", *(levels(book[side], _LEVELS) for side in ("bids", "asks")))
        since_s = minutes_ago(6) // 1_000
        rows = client.get_ohlc(pair="XBTUSD", interval=1, since=since_s)[name]
        candles = [Candle(row[0] * 1_000, *map(float, (*row[1:5], row[6]))) for row in rows]
        assert_candles("kraken", candles)

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of("kraken") as exchange:
            await asyncio.to_thread(ask, exchange.rest_url)

    asyncio.run(play())


def test_trades_are_those_of_the_ledger_and_none_is_missing() -> None:
    async def play() -> None:
        frames: asyncio.Queue[Any] = asyncio.Queue()
        async with asyncio.timeout(PATIENCE_S), exchange_of("kraken") as exchange:
            client = SpotWSClient(
                callback=frames.put, rest_url=exchange.rest_url, ws_url=ws_root(exchange)
            )
            async with client:
                await client.subscribe(params={"channel": "trade", "symbol": [_PAIR]})
                fills: list[Fill] = []
                while len(fills) < _TRADES:
                    frame = await frames.get()
                    if frame.get("channel") == "trade":
                        fills += map(_fill, frame["data"])
        assert_fills("kraken", fills)

    asyncio.run(play())


def test_its_book_by_changes_and_checksums_stays_that_of_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def listen() -> list[Any]:
        books: asyncio.Queue[Any] = asyncio.Queue()

        async def keep(pair: str, message: dict[str, Any]) -> None:
            assert "error" not in message  # a checksum that is not that of its book
            book = client.get(pair=pair)
            books.put_nowait([list(islice(book[side].items(), _LEVELS)) for side in ("bid", "ask")])

        client: Any = SpotOrderBookClient(depth=_LEVELS, callback=keep)
        async with client, asyncio.timeout(PATIENCE_S / 2):
            await client.add_book(pairs=[_PAIR])
            return [await books.get() for _ in range(_BOOKS)]

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of("kraken") as exchange:
            # This one takes no URLs, and asks for the market's decimals while its loop waits.
            monkeypatch.setattr(SpotClient, "URL", exchange.rest_url)
            monkeypatch.setattr(SpotWSClient, "WS_URL", ws_root(exchange))
            for sides in await asyncio.to_thread(lambda: asyncio.run(listen())):
                told = ([(price, row[0]) for price, row in side] for side in sides)
                assert_book("kraken", *(levels(side, _LEVELS) for side in told))

    asyncio.run(play())


def _fill(row: dict[str, Any]) -> Fill:
    time_ms = int(datetime.fromisoformat(row["timestamp"]).timestamp() * 1_000)
    return Fill(str(row["trade_id"]), time_ms, float(row["price"]), float(row["qty"]), row["side"])
