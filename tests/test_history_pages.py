"""A past is read to its end whichever way its pages go on: by a time alone, or by an id alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exchanges.catalogue import venue_named
from exchanges.client import RestClient
from marketstream.errors import InputError
from realtime_training.commands.history.asking import pages

type Answer = Callable[[web.Request], Awaitable[web.Response]]

START_US = 1_700_000_000_000_000
FIRST_ID, COUNT = 61_000_000, 7_500


def time_us(number: int) -> int:
    """Return when a trade was; in the middle of them a hundred are at one time."""
    crowded = min(max(number - 3_000, 0), 100)
    return START_US + (number - crowded) * 400_123


async def kraken(request: web.Request) -> web.Response:
    since_ns, count = int(request.query.get("since", -1)), int(request.query["count"])
    numbers = [one for one in range(COUNT) if time_us(one) * 1_000 > since_ns]
    numbers = numbers[:count] if since_ns >= 0 else numbers[-count:]
    rows = [
        f'["30243.4","0.5",{time_us(one) // 10**6}.{time_us(one) % 10**6:06}1,"b","m","",'
        f"{FIRST_ID + one}]"
        for one in numbers
    ]
    body = f'{{"error":[],"result":{{"XXBTZUSD":[{",".join(rows)}],"last":"0"}}}}'
    return web.Response(text=body, content_type="application/json")


async def coinbase(request: web.Request) -> web.Response:
    end = min(int(request.query.get("after", FIRST_ID + COUNT)) - FIRST_ID, COUNT)
    begin = max(0, end - int(request.query["limit"]))
    rows = [
        {
            "trade_id": FIRST_ID + one,
            "time": datetime.fromtimestamp(time_us(one) / 1e6, UTC).isoformat(),
            "price": "30243.4",
            "size": "0.5",
            "side": "sell",
        }
        for one in reversed(range(begin, end))
    ]
    return web.json_response(rows)


async def okx(request: web.Request) -> web.Response:
    end = min(int(request.query.get("after", FIRST_ID + COUNT)) - FIRST_ID, COUNT)
    begin = max(0, end - int(request.query["limit"]))
    rows = [
        {
            "instId": "BTC-USD",
            "tradeId": str(FIRST_ID + one),
            "ts": str(time_us(one) // 1_000),
            "px": "30243.4",
            "sz": "0.5",
            "side": "sell",
        }
        for one in reversed(range(begin, end))
    ]
    return web.json_response({"code": "0", "msg": "", "data": rows})


WAYS = [
    ("kraken", "/0/public/Trades", kraken),
    ("coinbase", "/products/BTC-USD/trades", coinbase),
    ("okx", "/api/v5/market/history-trades", okx),
]


def read(way: tuple[str, str, Answer], from_us: int, until_us: int) -> list[int]:
    """Return which trades pages bring, in their order."""
    venue, path, answer = way

    async def run() -> list[int]:
        app = web.Application()
        app.router.add_get(path, answer)
        async with (
            TestServer(app) as server,
            RestClient(venue_named(venue), str(server.make_url(""))) as client,
        ):
            found = pages(client, "BTC/USD", from_us, until_us)
            return [trade.id - FIRST_ID async for page in found for trade in page]

    return asyncio.run(run())


@pytest.mark.parametrize("way", WAYS, ids=[way[0] for way in WAYS])
def test_all_trades_of_the_past_come_once_each_to_the_newest(way: tuple[str, str, Answer]) -> None:
    found = read(way, time_us(500), time_us(COUNT) + 10**9)
    assert found == list(range(500, COUNT))


@pytest.mark.parametrize("way", WAYS, ids=[way[0] for way in WAYS])
def test_pages_end_a_little_beyond_what_is_asked_for(way: tuple[str, str, Answer]) -> None:
    found = read(way, time_us(500), time_us(2_600))
    assert found == list(range(500, found[-1] + 1))
    assert 2_600 < found[-1] < 3_700


def test_a_past_of_the_newest_trades_alone_is_no_past_of_days() -> None:
    async def run() -> None:
        async with RestClient(venue_named("bybit"), "http://127.0.0.1:9") as client:
            async for _ in pages(client, "BTC/USDT", START_US, START_US + 1):
                pass

    with pytest.raises(InputError, match="bybit gives its newest 60 trades and no more"):
        asyncio.run(run())
