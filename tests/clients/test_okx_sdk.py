"""python-okx, OKX's own, hears and is answered what the simulated market did, spot and swap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.websocket.WsPublicAsync import WsPublicAsync

from .encrypted import encrypted_ws_root
from .ledger import (
    PATIENCE_S,
    Candle,
    Fill,
    assert_book,
    assert_candles,
    assert_fills,
    exchange_of,
    levels,
    wire_symbol,
)

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_KINDS = {"okx": "SPOT", "okx-swap": "SWAP"}
_ROWS = 50
_LEVELS = 10
_FRAMES = 200


def _fill(row: Mapping[str, str], size: float) -> Fill:
    price, quantity = float(row["px"]), float(row["sz"]) * size
    return Fill(row["tradeId"], int(row["ts"]), price, quantity, row["side"])


def _contract_size(url: str, venue: str) -> float:
    """Return how many base units one unit of its quantities is."""
    if venue == "okx":
        return 1.0
    (instrument,) = PublicAPI(domain=url, flag="0").get_instruments("SWAP")["data"]
    return float(instrument["ctVal"])


@pytest.mark.parametrize("venue", _KINDS)
def test_rest_is_of_the_ledger(venue: str) -> None:
    def ask(url: str) -> None:
        client, symbol, size = (
            MarketAPI(domain=url, flag="0"),
            wire_symbol(venue),
            _contract_size(url, venue),
        )
        trades = client.get_trades(symbol, limit=str(_ROWS))["data"]
        assert len(trades) == _ROWS
        assert_fills(venue, [_fill(row, size) for row in trades])
        older = client.get_history_trades(symbol, after=trades[-1]["tradeId"], limit=str(_ROWS))
        assert len(older["data"]) == _ROWS
        assert_fills(venue, [_fill(row, size) for row in [*trades, *older["data"]]])
        (book,) = client.get_orderbook(symbol, sz=str(_LEVELS))["data"]
        assert_book(venue, *(levels(book[side], _LEVELS, size) for side in ("bids", "asks")))
        rows = client.get_candlesticks(symbol, bar="1m", limit="6")["data"]
        volume = 5 if venue == "okx" else 6  # in contracts, and in base units
        assert_candles(
            venue, [Candle(int(row[0]), *map(float, (*row[1:5], row[volume]))) for row in rows]
        )

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
            await asyncio.to_thread(ask, exchange.rest_url)

    asyncio.run(play())


@pytest.mark.parametrize("venue", _KINDS)
def test_trades_quotes_and_books_are_those_of_the_ledger(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        frames: asyncio.Queue[Any] = asyncio.Queue()
        async with (
            asyncio.timeout(PATIENCE_S),
            exchange_of(venue) as exchange,
            encrypted_ws_root(exchange, tmp_path, monkeypatch) as root,
        ):
            size = await asyncio.to_thread(_contract_size, exchange.rest_url, venue)
            client = WsPublicAsync(f"{root}/ws/v5/public")
            reading = await client.start()
            channels = [
                {"channel": name, "instId": wire_symbol(venue)}
                for name in ("trades", "bbo-tbt", "books5")
            ]
            await client.subscribe(channels, frames.put_nowait)
            trades = []
            books = 0
            for _ in range(_FRAMES):
                frame = json.loads(await frames.get())
                if "data" not in frame:
                    assert frame["event"] == "subscribe"
                elif frame["arg"]["channel"] == "trades":
                    trades += frame["data"]
                else:
                    (book,) = frame["data"]
                    books += 1
                    assert_book(
                        venue, *(levels(book[side], _LEVELS, size) for side in ("bids", "asks"))
                    )
            assert_fills(venue, [_fill(row, size) for row in trades])
            assert books
            reading.cancel()
            await client.stop()

    asyncio.run(play())
