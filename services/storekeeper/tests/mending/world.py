"""A market, a store that keeps what is published of it, and an exchange that may lie."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from msgspec.structs import replace

from candles.aggregation import CandleAggregator
from exchange_simulator import SeededMarket
from exchange_simulator.market.messages import trades_messages
from exchange_simulator.server import start
from exchanges.client import RestClient
from exchanges.sources import Place, Source, sources_of
from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Gap, Message, Trade, Trades
from marketstream.store.sql import open_store
from storekeeper.mending import Mender

MARKET = "simulator:BTC/USDT"
TIMEFRAMES = ["250ms", "1s", "1m"]

type Lie = Callable[[str, dict[str, str], Any], Any]
"""Makes of a path, its query and the true rows what is answered."""


class World:
    """What a mender has around it: what it publishes is stored, time stands until it is moved."""

    def __init__(self, folder: Path, source: Source, lies: list[Lie]) -> None:
        self.store = open_store(f"sqlite:///{folder}/realtime.sqlite")
        self.source = source
        self.lies = lies
        self.ports = FakePorts(folder, self.store)
        self.mender = self.start()

    def start(self) -> Mender:
        """Begin anew, as after a restart: with what is stored and nothing else."""
        now_ns = self.ports.now_ns
        self.ports = FakePorts(self.ports.state, self.store)
        self.ports.now_ns = now_ns
        self.mender = Mender(self.source, TIMEFRAMES, self.ports, grace_s=5.0)
        return self.mender

    def hear(self, gap: Gap) -> None:
        """Store a gap and have it heard."""
        self.store.write([gap])
        self.ports.pass_on(gap)

    async def mend(self, after_s: float = 6.0) -> list[Message]:
        """Let time pass, mend what is due, store what is published; return that."""
        self.ports.now_ns += int(after_s * 1e9)
        before = len(self.ports.published)
        async with self.client() as client:
            await self.mender.mend(client)
        published = [message for message, _ in self.ports.published[before:]]
        self.store.write([one for one in published if isinstance(one, Candle)])
        return published

    def client(self) -> RestClient:
        """Return a client that does not wait long."""
        return self.source.client(timeout_s=2.0, patience_s=0.1)

    def kept(self, timeframe: str) -> list[Candle]:
        """Return the candles of a timeframe as they are stored."""
        return self.store.candles(MARKET, timeframe, 0, 2**50)


@contextlib.asynccontextmanager
async def world(folder: Path, *, trades_per_second: float = 50.0) -> AsyncIterator[World]:
    """Give a mender of a simulated exchange, whose answers pass through what lies there are."""
    tapes = [
        SeededMarket("BTC/USDT", 1, trades_per_second=trades_per_second),
        SeededMarket("ETH/USDT", 2, trades_per_second=trades_per_second),
    ]
    exchange = await start(tapes, port=0)
    lies: list[Lie] = []

    async def answer(request: web.Request) -> web.Response:
        query = dict(request.query)
        url = exchange.rest_url + request.path
        for lie in lies:
            query = getattr(lie, "asks", lambda query: query)(query)
        async with aiohttp.ClientSession() as session, session.get(url, params=query) as true:
            status, rows = true.status, json.loads(await true.read())
        for lie in lies:
            rows = lie(request.path, query, rows)
        return web.json_response(rows, status=status)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    (source,) = sources_of([MARKET], Place("binance", None, f"http://{host}:{port}"))
    made = World(folder, source, lies)
    try:
        yield made
    finally:
        made.store.close()
        await runner.cleanup()
        await exchange.close()


def seen_trades(seconds: int, trades_per_second: float = 50.0) -> list[Trades]:
    """Return what a flawless feed says of the last seconds of the market, from a full minute on."""
    tape = SeededMarket("BTC/USDT", 1, trades_per_second=trades_per_second)
    now_us = (int(time.time()) - 6) * 1_000_000
    from_us = (now_us - seconds * 1_000_000) // 60_000_000 * 60_000_000
    return list(trades_messages(tape, MARKET, from_us, now_us))


def without(messages: Iterable[Trades], lost: Callable[[Trade], bool]) -> list[Trades]:
    """Return messages without some of their trades."""
    return [
        replace(message, trades=tuple(trade for trade in message.trades if not lost(trade)))
        for message in messages
    ]


def candles_of(messages: Iterable[Trades]) -> list[Candle]:
    """Return the candles as the operator first closes them."""
    aggregator = CandleAggregator(MARKET, TIMEFRAMES)
    closed = [candle for message in messages for candle in aggregator.update(message)]
    return [candle for candle in closed if candle.revision == 0]


def gap_in(messages: Iterable[Trades], state: str) -> Gap:
    """Return the gap that messages have, in a state."""
    trades = [trade for message in messages for trade in message.trades]
    for before, after in pairwise(trades):
        if after.id != before.id + 1:
            return Gap(
                MARKET, before.id + 1, after.id, before.time_us, after.time_us,
                state,  # type: ignore[arg-type]
            )  # fmt: skip
    raise AssertionError("nothing is missing")


def another_symbols_answers(path: str, query: dict[str, str], rows: Any) -> Any:
    """Answer as if another symbol had been asked for."""
    del path, query
    return rows


def _asks_for_another(query: dict[str, str]) -> dict[str, str]:
    return query | {"symbol": "ETHUSDT"}


another_symbols_answers.asks = _asks_for_another  # type: ignore[attr-defined]
