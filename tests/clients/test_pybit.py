"""pybit, Bybit's own, hears and is answered what the simulated market did, spot and perpetual."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from pybit import unified_trading

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
    ws_root,
)

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_CATEGORIES = {"bybit": "spot", "bybit-linear": "linear"}
_ROWS = 50
_LEVELS = 10
_TRADES = 100
_BOOKS = 20


@pytest.mark.parametrize("venue", _CATEGORIES)
def test_rest_is_of_the_ledger(venue: str) -> None:
    def ask(url: str) -> None:
        client: Any = unified_trading.HTTP(testnet=False)
        client.endpoint = url
        asked = {"category": _CATEGORIES[venue], "symbol": wire_symbol(venue)}
        trades = client.get_public_trade_history(**asked, limit=_ROWS)["result"]["list"]
        assert len(trades) == _ROWS
        assert_fills(
            venue,
            [
                Fill(
                    row["execId"],
                    int(row["time"]),
                    float(row["price"]),
                    float(row["size"]),
                    row["side"].lower(),
                )
                for row in trades
            ],
        )
        book = client.get_orderbook(**asked, limit=_LEVELS)["result"]
        assert_book(venue, levels(book["b"], _LEVELS), levels(book["a"], _LEVELS))
        rows = client.get_kline(**asked, interval=1, limit=6)["result"]["list"]
        assert_candles(venue, [Candle(int(row[0]), *map(float, row[1:6])) for row in rows])

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
            await asyncio.to_thread(ask, exchange.rest_url)

    asyncio.run(play())


class _Client(unified_trading.WebSocket):  # type: ignore[misc]
    """Hears nothing while it subscribes: it notes what it has asked for only after it has sent it,

    and on a loopback address the answer may be there by then, which ends the connection.
    """

    def __init__(self, channel_type: str) -> None:
        self._noting = threading.RLock()
        super().__init__(channel_type, testnet=False)

    def subscribe(self, *args: Any, **kwargs: Any) -> None:
        with self._noting:
            super().subscribe(*args, **kwargs)

    def _handle_incoming_message(self, message: Any) -> None:
        with self._noting:
            super()._handle_incoming_message(message)


def _stream_fill(row: Mapping[str, Any]) -> Fill:
    return Fill(row["i"], row["T"], float(row["p"]), float(row["v"]), row["S"].lower())


@pytest.mark.parametrize("venue", _CATEGORIES)
def test_trades_and_books_are_those_of_the_ledger(
    venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(root: str) -> None:
        # Its own takes the domain only: the form of the URL is the one place for another host.
        url = f"{root}/v5/public/{{CHANNEL_TYPE}}"
        monkeypatch.setattr(unified_trading, "PUBLIC_WSS", url)
        trades: list[Fill] = []
        heard: queue.Queue[Mapping[str, Any]] = queue.Queue()
        client: Any = _Client(_CATEGORIES[venue])
        try:
            client.trade_stream(wire_symbol(venue), heard.put)
            while len(trades) < _TRADES:
                trades += map(_stream_fill, heard.get(timeout=PATIENCE_S)["data"])
            assert_fills(venue, trades)
            books: queue.Queue[tuple[list[Any], list[Any]]] = queue.Queue()

            def keep(frame: Mapping[str, Any]) -> None:  # its book is changed while we look
                bids = sorted(frame["data"]["b"], key=lambda row: -float(row[0]))
                asks = sorted(frame["data"]["a"], key=lambda row: float(row[0]))
                books.put((bids[:_LEVELS], asks[:_LEVELS]))

            client.orderbook_stream(50, wire_symbol(venue), keep)
            for _ in range(_BOOKS):
                bids, asks = books.get(timeout=PATIENCE_S)
                assert_book(venue, levels(bids, _LEVELS), levels(asks, _LEVELS))
        finally:
            client.exit()

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
            await asyncio.to_thread(listen, ws_root(exchange))

    asyncio.run(play())
