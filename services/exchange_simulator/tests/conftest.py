"""A small recording written by hand, and an exchange that plays tapes to a client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.tape import Tape
from exchange_simulator.server import RunningExchange, start

SECOND_US = 1_000_000
OPEN_US = 1_723_161_600 * SECOND_US  # a full minute: 2024-08-09 00:00 UTC


def line(received_us: int, stream: str, data: dict[str, object]) -> str:
    frame = json.dumps({"stream": f"btcusdt@{stream}", "data": data})
    return f"{(received_us - 1_200_000) * 1_000} {frame}"


@pytest.fixture
def small_market(tmp_path: Path) -> RecordedMarket:
    """Trades 100 to 110 at 0, 1, …, 9 and 70 s of a minute, each with a quote just behind."""
    lines: list[str] = []
    for number, second in enumerate([*range(10), 70]):
        time_us = OPEN_US + second * SECOND_US
        trade = {"e": "trade", "s": "BTCUSDT", "t": 100 + number, "p": f"{100 + number}.15000000"}
        trade |= {"q": "0.25000000", "T": time_us // 1_000, "m": number % 2 == 0}
        quote = {"u": 500 + number, "s": "BTCUSDT", "b": f"{100 + number}.1", "B": "1.5"}
        quote |= {"a": f"{100 + number}.2", "A": "2.0"}
        lines += [line(time_us, "trade", trade), line(time_us + 1_000, "bookTicker", quote)]
    path = tmp_path / "small.frames"
    path.write_text("\n".join(lines) + "\n")
    return RecordedMarket([path], "BTC/USDT")


type Running = Callable[
    ..., AbstractAsyncContextManager[tuple[RunningExchange, aiohttp.ClientSession]]
]


@pytest.fixture
def running() -> Running:
    """Run an exchange on a free port beside a client session; both are closed in the end."""

    @asynccontextmanager
    async def run(
        *tapes: Tape, **options: Any
    ) -> AsyncIterator[tuple[RunningExchange, aiohttp.ClientSession]]:
        exchange = await start(tapes, **{"gather_s": 0.0, "linger_s": 0.0} | options)
        try:
            async with aiohttp.ClientSession() as session:
                yield exchange, session
        finally:
            await exchange.close()

    return run
