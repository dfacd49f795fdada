"""cryptofeed hears what the simulated market did, on the venues whose newest protocol it speaks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import OKX, Binance, BinanceFutures, Bybit
from cryptofeed.symbols import Symbols

from exchange_simulator.server import RunningExchange

from .encrypted import encrypted_ws_root
from .ledger import PATIENCE_S, Fill, assert_book, assert_fills, exchange_of, levels

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_FEEDS: dict[str, tuple[Any, str, str, str]] = {
    "binance": (Binance, "", "", "BTC-USDT"),
    "binance-usdm": (BinanceFutures, "", "", "BTC-USDT-PERP"),
    "bybit": (Bybit, "/v5/public/spot", "category=spot", "BTC-USDT"),
    "bybit-linear": (Bybit, "/v5/public/linear", "category=linear", "BTC-USDT-PERP"),
    "okx": (OKX, "/ws/v5/public", "instType=SPOT", "BTC-USDT"),
}
_LEVELS = 10
_TRADES = 100
_BOOKS = 20


@pytest.mark.parametrize("venue", _FEEDS)
def test_trades_and_books_are_those_of_the_ledger(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        fills: list[Fill] = []
        books: list[tuple[Any, Any]] = []
        enough = asyncio.Event()

        async def trade(row: Any, _: float) -> None:
            id_, time_ms = row.id, round(row.timestamp * 1_000)
            fills.append(Fill(id_, time_ms, float(row.price), float(row.amount), row.side))
            look()

        async def book(row: Any, _: float) -> None:
            bids, asks = (_side(side) for side in (row.book.bids, row.book.asks))
            assert_book(venue, bids, asks)
            books.append((bids, asks))
            look()

        def look() -> None:
            if len(fills) >= _TRADES and len(books) >= _BOOKS:
                enough.set()

        async with (
            asyncio.timeout(PATIENCE_S),
            exchange_of(venue) as exchange,
            encrypted_ws_root(exchange, tmp_path, monkeypatch) as root,
        ):
            handler = FeedHandler(config={"uvloop": False, "log": {"disabled": True}})
            callbacks = {TRADES: trade, L2_BOOK: book}
            handler.add_feed(await asyncio.to_thread(_feed, venue, exchange, root, callbacks))
            handler.run(start_loop=False, install_signal_handlers=False)
            try:
                await enough.wait()
            finally:
                await handler.stop_async(asyncio.get_running_loop())
        assert_fills(venue, fills)

    asyncio.run(play())


def _feed(venue: str, exchange: RunningExchange, root: str, callbacks: dict[str, Any]) -> Any:
    """Make a feed; its class asks by REST for the symbols there are, and waits for the answer."""
    known, path, category, symbol = _FEEDS[venue]
    endpoint, rest = known.websocket_endpoints[0], known.rest_endpoints[0]
    instruments = rest.routes.instruments
    if isinstance(instruments, list):  # each exchange here has one kind of market, asked for twice
        instruments = 2 * [route for route in instruments if category in route]
    Symbols.clear()
    feed = type(
        known.__name__,
        (known,),
        {
            "websocket_endpoints": [WebsocketEndpoint(root + path, options=endpoint.options)],
            "rest_endpoints": [
                RestEndpoint(
                    exchange.rest_url, routes=replace(rest.routes, instruments=instruments)
                )
            ],
        },
    )
    return feed(symbols=[symbol], channels=[TRADES, L2_BOOK], callbacks=callbacks)


def _side(side: Any) -> Any:
    return levels(((price, side[price]) for price in side.keys()[:_LEVELS]), _LEVELS)
