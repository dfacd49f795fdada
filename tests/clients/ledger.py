"""A simulated exchange, and what its market did: the ledger that clients have to agree with."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple

from exchange_simulator.market.depth import depth_at
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.server import RunningExchange, start
from exchange_simulator.venues import server_of
from exchange_simulator.venues.bybit.server import BybitServer

SYMBOLS = {
    "binance": "BTC/USDT",
    "binance-usdm": "BTC/USDT:USDT",
    "bybit": "BTC/USDT",
    "bybit-linear": "BTC/USDT:USDT",
    "coinbase": "BTC/USD",
    "kraken": "BTC/USD",
    "okx": "BTC/USDT",
    "okx-swap": "BTC/USDT:USDT",
}
PATIENCE_S = 60.0
_DECIMALS = 8  # quantities in contracts are floats beside their lot
_REACH_US = 120_000_000
_MINUTE_US = 60_000_000

type Side = Sequence[tuple[float, float]]
"""Prices with quantities, the best first."""


class Fill(NamedTuple):
    """A trade as a client tells of it, with its id as on the wire."""

    id: str
    time_ms: int
    price: float
    quantity: float
    taker: str


class Candle(NamedTuple):
    """A minute as a client tells of it."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@asynccontextmanager
async def exchange_of(venue: str) -> AsyncIterator[RunningExchange]:
    """Run an exchange of one market."""
    exchange = await start([_market(venue)], venue=venue, linger_s=0.0)
    try:
        yield exchange
    finally:
        await exchange.close()


def ws_root(exchange: RunningExchange) -> str:
    """Return where its WebSocket paths begin."""
    return exchange.rest_url.replace("http", "ws", 1)


def wire_symbol(venue: str) -> str:
    """Return what the venue calls its market."""
    return server_of(venue).wire_symbol(SYMBOLS[venue])


def levels(rows: Iterable[Sequence[Any]], most: int, size: float = 1.0) -> Side:
    """Return the first rows of a side, told as text or numbers, in base units of `size`."""
    return [(float(row[0]), float(row[1]) * size) for row in rows][:most]


def minutes_ago(minutes: int) -> int:
    """Return when the minute began that was so many minutes ago, in ms."""
    return (int(time.time()) // 60 - minutes) * 60_000


def tick_and_lot(venue: str) -> tuple[float, float]:
    """Return the steps of prices and of quantities in base units."""
    tape = _tape(venue)
    return float(f"1e-{tape.price_decimals}"), float(f"1e-{tape.quantity_decimals}")


def assert_fills(venue: str, fills: Sequence[Fill]) -> None:
    """Every fill is the market's, all of it, and between the first and last none is missing."""
    assert fills
    first_ms, last_ms = (pick(fill.time_ms for fill in fills) for pick in (min, max))
    true = {fill.id: fill for fill in _fills(venue, first_ms * 1_000, (last_ms + 1) * 1_000)}
    said = {fill.id: fill._replace(quantity=round(fill.quantity, _DECIMALS)) for fill in fills}
    assert said == {id_: true.get(id_) for id_ in said}
    inside = {id_ for id_, fill in true.items() if first_ms < fill.time_ms < last_ms}
    assert inside <= said.keys()


def assert_book(venue: str, bids: Side, asks: Side) -> None:
    """The market's book was this one within the last minutes, level by level."""
    tape, now_us = _tape(venue), time.time_ns() // 1_000
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    said = [
        tuple((round(price * ticks), round(quantity * lots)) for price, quantity in side)
        for side in (bids, asks)
    ]
    (bid, _), (ask, _) = said[0][0], said[1][0]
    quotes = tape.quotes(now_us - _REACH_US, now_us + _MINUTE_US)
    times_us = quotes.time_us[(quotes.bid == bid) & (quotes.ask == ask)].tolist()
    depths = (depth_at(tape, time_us + 1, max(map(len, said))) for time_us in times_us)
    books = ([one.bids[: len(bids)], one.asks[: len(asks)]] for one in depths if one is not None)
    assert any(said == book for book in books)


def assert_candles(venue: str, candles: Iterable[Candle]) -> None:
    """Every minute that is over is the fold of its trades; there are three or more."""
    now_us = time.time_ns() // 1_000
    over = [one for one in candles if one.open_ms * 1_000 + _MINUTE_US < now_us - _MINUTE_US]
    assert len(over) >= 3
    for said in over:
        fills = _fills(venue, said.open_ms * 1_000, said.open_ms * 1_000 + _MINUTE_US)
        prices = [fill.price for fill in fills]
        true = Candle(
            said.open_ms,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            round(sum(fill.quantity for fill in fills), _DECIMALS),
        )
        assert said._replace(volume=round(said.volume, _DECIMALS)) == true


@cache
def _tape(venue: str) -> SeededMarket:
    """Return the market to look things up in; the exchange plays one of its own."""
    return _market(venue)


def _market(venue: str) -> SeededMarket:
    return SeededMarket(SYMBOLS[venue], seed=7, trades_per_second=40.0)


def _fills(venue: str, from_us: int, to_us: int) -> list[Fill]:
    tape, speaks = _tape(venue), server_of(venue)
    ticks, lots = 10**tape.price_decimals, 10**tape.quantity_decimals
    symbol = speaks.wire_symbol(tape.symbol)

    def wire_id(id_: int) -> str:
        if issubclass(speaks, BybitServer):
            return speaks.trade_id(symbol, id_)
        return str(id_)

    return [
        Fill(wire_id(id_), us // 1_000, price / ticks, quantity / lots, "sell" if sells else "buy")
        for id_, us, price, quantity, sells, _ in zip(
            *(column.tolist() for column in tape.trades(from_us, to_us)), strict=True
        )
    ]
