"""Binance's own connectors hear and are answered what the simulated market did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)
from binance_sdk_spot.spot import Spot

from exchange_simulator.server import RunningExchange

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

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

_VENUES = {"binance": Spot, "binance-usdm": DerivativesTradingUsdsFutures}
_ROWS = 50
_LEVELS = 10
_TRADES = 100
_QUOTES = 50


def _client(venue: str, exchange: RunningExchange) -> Any:
    return _VENUES[venue](
        config_rest_api=ConfigurationRestAPI(base_path=exchange.rest_url),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"{ws_root(exchange)}/stream"),
    )


@pytest.mark.parametrize("venue", _VENUES)
def test_rest_is_of_the_ledger(venue: str) -> None:
    def ask(exchange: RunningExchange) -> None:
        rest, symbol = _client(venue, exchange).rest_api, wire_symbol(venue)
        spot = venue == "binance"
        trades = (rest.agg_trades if spot else rest.compressed_aggregate_trades_list)(
            symbol, limit=_ROWS
        ).data()
        assert len(trades) == _ROWS
        assert_fills(venue, [_fill(row, row.a) for row in trades])
        book = (rest.depth if spot else rest.order_book)(symbol, limit=_LEVELS).data()
        assert_book(venue, levels(book.bids, _LEVELS), levels(book.asks, _LEVELS))
        rows = (rest.klines if spot else rest.kline_candlestick_data)(
            symbol, "1m", start_time=minutes_ago(6), limit=6
        ).data()
        assert_candles(venue, [Candle(row[0], *map(float, row[1:6])) for row in rows])

    async def play() -> None:
        async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
            await asyncio.to_thread(ask, exchange)

    asyncio.run(play())


@asynccontextmanager
async def _streams_of(venue: str) -> AsyncIterator[Any]:
    async with asyncio.timeout(PATIENCE_S), exchange_of(venue) as exchange:
        streams = _client(venue, exchange).websocket_streams
        await streams.create_connection()
        try:
            yield streams
        finally:
            await streams.close_connection()


@pytest.mark.parametrize("venue", _VENUES)
def test_trades_are_those_of_the_ledger_and_none_is_missing(venue: str) -> None:
    async def play() -> None:
        async with _streams_of(venue) as streams:
            symbol = wire_symbol(venue).lower()
            heard: asyncio.Queue[Any] = asyncio.Queue()
            if venue == "binance":
                stream = await streams.trade(symbol)
            else:
                stream = await streams.aggregate_trade_streams(symbol)
            stream.on("message", heard.put_nowait)
            rows = [await heard.get() for _ in range(_TRADES)]
            assert_fills(
                venue, [_fill(row, row.t if venue == "binance" else row.a) for row in rows]
            )

    asyncio.run(play())


@pytest.mark.parametrize("venue", _VENUES)
def test_quotes_are_those_of_the_ledger(venue: str) -> None:
    async def play() -> None:
        async with _streams_of(venue) as streams:
            symbol = wire_symbol(venue).lower()
            heard: asyncio.Queue[Any] = asyncio.Queue()
            if venue == "binance":
                stream = await streams.book_ticker(symbol)
            else:
                stream = await streams.individual_symbol_book_ticker_streams(symbol)
            stream.on("message", heard.put_nowait)
            for _ in range(_QUOTES):
                row = await heard.get()
                assert_book(venue, levels([(row.b, row.B)], 1), levels([(row.a, row.A)], 1))

    asyncio.run(play())


def _fill(row: Any, id_: int) -> Fill:
    return Fill(str(id_), row.T, float(row.p), float(row.q), "sell" if row.m else "buy")
