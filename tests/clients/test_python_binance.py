"""python-binance hears and is answered what the simulated market did, spot and perpetual."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .ledger import (
    PATIENCE_S,
    Candle,
    Fill,
    assert_book,
    assert_candles,
    assert_fills,
    exchange_of,
    levels,
    minutes_ago,
    wire_symbol,
    ws_root,
)

with warnings.catch_warnings():  # it still takes names that websockets has deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance import AsyncClient, BinanceSocketManager, DepthCacheManager

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_VENUES = ["binance", "binance-usdm"]
_ROWS = 50
_LEVELS = 10
_FRAMES = 200


@asynccontextmanager
async def _client_of(venue: str) -> AsyncIterator[tuple[Any, Any]]:
    """Run an exchange beside a client and its sockets."""
    async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
        client: Any = AsyncClient()
        client.API_URL, client.FUTURES_URL = f"{exchange.rest_url}/api", f"{exchange.rest_url}/fapi"
        sockets: Any = BinanceSocketManager(client, max_queue_size=10_000)
        sockets.STREAM_URL = sockets.FSTREAM_URL = f"{ws_root(exchange)}/"
        try:
            yield client, sockets
        finally:
            await client.close_connection()


def _fill(row: Mapping[str, Any], id_: str) -> Fill:
    taker = "sell" if row["m"] else "buy"
    return Fill(str(row[id_]), row["T"], float(row["p"]), float(row["q"]), taker)


@pytest.mark.parametrize("venue", _VENUES)
def test_rest_is_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with _client_of(venue) as (client, _):
            asked: dict[str, Any] = {"symbol": wire_symbol(venue)}
            kind = "futures_" if venue == "binance-usdm" else "get_"
            trades = await getattr(client, f"{kind}aggregate_trades")(**asked, limit=_ROWS)
            assert len(trades) == _ROWS
            assert_fills(venue, [_fill(row, "a") for row in trades])
            book = await getattr(client, f"{kind}order_book")(**asked, limit=_LEVELS)
            assert_book(venue, *(levels(book[side], _LEVELS) for side in ("bids", "asks")))
            klines = await getattr(client, f"{kind}klines")(
                **asked, interval="1m", startTime=minutes_ago(6), limit=6
            )
            assert_candles(venue, [Candle(row[0], *map(float, row[1:6])) for row in klines])

    asyncio.run(play())


@pytest.mark.parametrize("venue", _VENUES)
def test_trades_and_quotes_are_those_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with _client_of(venue) as (_, sockets):
            symbol = wire_symbol(venue).lower()
            streams = [f"{symbol}@trade", f"{symbol}@bookTicker"]
            if venue == "binance-usdm":
                socket = sockets.futures_multiplex_socket(streams, category="public")
            else:
                socket = sockets.multiplex_socket(streams)
            trades: list[Any] = []
            quotes: list[Any] = []
            async with socket as stream:
                for _ in range(_FRAMES):
                    frame = await stream.recv()
                    (trades if frame["stream"] == streams[0] else quotes).append(frame["data"])
            assert_fills(venue, [_fill(row, "t") for row in trades])
            assert quotes
            for row in quotes:
                assert_book(
                    venue, levels([(row["b"], row["B"])], 1), levels([(row["a"], row["A"])], 1)
                )

    asyncio.run(play())


def test_its_cache_of_changes_stays_the_book_of_the_ledger() -> None:
    async def play() -> None:
        async with _client_of("binance") as (client, sockets):
            manager = DepthCacheManager(
                client, wire_symbol("binance"), bm=sockets, limit=100, ws_interval=100
            )
            async with manager as depth:
                for _ in range(20):
                    book = await depth.recv()
                    sides = (levels(side, _LEVELS) for side in (book.get_bids(), book.get_asks()))
                    assert_book("binance", *sides)

    asyncio.run(play())
