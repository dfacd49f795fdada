import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.serving.port import Allowance
from marketstream.recordings import read_frames

MINUTE_MS = 60_000
OPEN_MS = 1_723_161_600_000


async def get(session, exchange, path: str, **query: Any) -> Any:
    """Return the decoded body of a good answer."""
    async with session.get(f"{exchange.rest_url}/api/v3/{path}", params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def play_out(session, exchange) -> None:
    """Subscribe, and wait until the recording has been played to its end."""
    async with session.ws_connect(f"{exchange.ws_url}/btcusdt@trade") as ws:
        async for _ in ws:
            pass
    await exchange.ended


def folded(frames: Iterable[bytes]) -> dict[int, list[Any]]:
    """Return 1m klines of recorded trade frames by open time, in decimals."""
    minutes: dict[int, list[tuple[Decimal, Decimal, bool]]] = {}
    for frame in frames:
        if b'"e":"trade"' in frame:
            data = json.loads(frame)["data"]
            row = (Decimal(data["p"]), Decimal(data["q"]), data["m"])
            minutes.setdefault(data["T"] // MINUTE_MS * MINUTE_MS, []).append(row)
    klines = {}
    for open_ms, rows in minutes.items():
        prices = [price for price, _, _ in rows]
        sums = [
            sum(quantity for _, quantity, _ in rows),
            sum(price * quantity for price, quantity, _ in rows),
            sum(quantity for _, quantity, maker in rows if not maker),
            sum(price * quantity for price, quantity, maker in rows if not maker),
        ]
        volume, quote, bought, bought_quote = (f"{total:.8f}" for total in sums)
        ohlc = [f"{p:.8f}" for p in (prices[0], max(prices), min(prices), prices[-1])]
        close_ms = open_ms + MINUTE_MS - 1
        klines[open_ms] = [open_ms, *ohlc, volume, close_ms, quote, len(rows), bought, bought_quote]
    return klines


@pytest.mark.data
def test_klines_of_the_recording_equal_a_fold_in_decimals(running, market_data: Path):
    days = ("08", "09")
    paths = [market_data / f"trades/binance-spot-BTCUSDT-202408{d}.frames.gz" for d in days]
    expected = folded(frame.frame for frame in read_frames(paths))
    complete = {t: k for t, k in expected.items() if OPEN_MS - 300_000 <= t < OPEN_MS + 300_000}
    assert len(complete) == 10

    async def play() -> None:
        tape = RecordedMarket(paths, "BTC/USDT")
        async with running(tape, speed=100_000.0) as (exchange, session):
            await play_out(session, exchange)
            span = {"startTime": min(complete), "endTime": max(complete)}
            rows = await get(session, exchange, "klines", symbol="BTCUSDT", interval="1m", **span)
            assert rows == [[*kline, "0"] for kline in complete.values()]
            assert (
                len(await get(session, exchange, "klines", symbol="BTCUSDT", interval="1m")) == 12
            )

    asyncio.run(play())


def test_trades_are_paged_by_id(running, small_market):
    async def play() -> None:
        async with running(small_market, speed=100_000.0) as (exchange, session):
            await play_out(session, exchange)
            query = {"symbol": "BTCUSDT", "fromId": 104, "limit": 2}
            assert await get(session, exchange, "aggTrades", **query) == [
                {
                    "a": 104,
                    "p": "104.15000000",
                    "q": "0.25000000",
                    "f": 104,
                    "l": 104,
                    "T": OPEN_MS + 4_000,
                    "m": True,
                    "M": True,
                },
                {
                    "a": 105,
                    "p": "105.15000000",
                    "q": "0.25000000",
                    "f": 105,
                    "l": 105,
                    "T": OPEN_MS + 5_000,
                    "m": False,
                    "M": True,
                },
            ]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, range(100, 111)),
        ({"limit": 3}, range(108, 111)),
        ({"startTime": OPEN_MS + 3_000}, range(103, 111)),
        ({"startTime": OPEN_MS + 3_000, "endTime": OPEN_MS + 5_000}, range(103, 106)),
        ({"startTime": OPEN_MS, "endTime": OPEN_MS + 5_000, "limit": 2}, range(100, 102)),
        ({"endTime": OPEN_MS + 5_000, "limit": 2}, range(104, 106)),
        ({"startTime": (OPEN_MS + 3_000) * 1_000 + 1}, range(104, 111)),
        ({"startTime": OPEN_MS + 5_000, "endTime": OPEN_MS}, ()),
        ({"fromId": 109, "limit": 5_000}, range(109, 111)),
        ({"fromId": 111}, ()),
    ],
)
def test_trades_are_chosen_by_time_or_id(running, small_market, query, ids):
    async def play() -> None:
        async with running(small_market, speed=100_000.0) as (exchange, session):
            await play_out(session, exchange)
            rows = await get(session, exchange, "aggTrades", symbol="BTCUSDT", **query)
            assert [row["a"] for row in rows] == list(ids)

    asyncio.run(play())


def test_nothing_of_the_future_is_shown(running, small_market):
    async def play() -> None:
        async with running(small_market) as (exchange, session):
            start_ms = small_market.start_us // 1_000
            assert await get(session, exchange, "time") == {"serverTime": start_ms}
            assert await get(session, exchange, "aggTrades", symbol="BTCUSDT") == []
            assert await get(session, exchange, "aggTrades", symbol="BTCUSDT", fromId=100) == []
            assert await get(session, exchange, "klines", symbol="BTCUSDT", interval="1m") == []
            quote = await get(session, exchange, "ticker/bookTicker", symbol="BTCUSDT")
            assert quote["bidPrice"] == "0.00000000"
            async with session.ws_connect(f"{exchange.ws_url}/btcusdt@trade") as ws:
                assert (await ws.receive_json())["t"] == 100
                seen = [
                    row["a"] for row in await get(session, exchange, "aggTrades", symbol="BTCUSDT")
                ]
                assert seen in ([100], [100, 101])

    asyncio.run(play())


def test_history_of_a_seeded_market_runs_on_into_the_live_stream(running):
    async def play() -> None:
        async with running(SeededMarket("ETH/USDT", 3)) as (exchange, session):
            async with session.ws_connect(f"{exchange.ws_url}/ethusdt@trade") as ws:
                live = await ws.receive_json()
                rows = await get(
                    session, exchange, "aggTrades", symbol="ETHUSDT", fromId=live["t"] - 99
                )
                assert [row["a"] for row in rows[:100]] == list(
                    range(live["t"] - 99, live["t"] + 1)
                )
                assert (rows[99]["p"], rows[99]["T"]) == (live["p"], live["T"])
            klines = await get(
                session, exchange, "klines", symbol="ETHUSDT", interval="1s", limit=60
            )
            assert [after[0] - before[0] for before, after in pairwise(klines)] == [1_000] * 59

    asyncio.run(play())


def test_silent_minute_of_the_recording_has_a_flat_kline(running, small_market):
    async def play() -> None:
        async with running(small_market, speed=100_000.0) as (exchange, session):
            await play_out(session, exchange)
            rows = await get(session, exchange, "klines", symbol="BTCUSDT", interval="1s")
            assert len(rows) == 71
            assert rows[40] == [
                OPEN_MS + 40_000,
                *["109.15000000"] * 4,
                "0.00000000",
                OPEN_MS + 40_999,
                "0.00000000",
                0,
                "0.00000000",
                "0.00000000",
                "0",
            ]

    asyncio.run(play())


def test_exchange_info_has_tick_and_lot_of_each_market(running, small_market):
    async def play() -> None:
        async with running(small_market, SeededMarket("ETH/USDT", 1)) as (exchange, session):
            info = await get(session, exchange, "exchangeInfo", symbol="BTCUSDT")
            (symbol,) = info["symbols"]
            assert (symbol["baseAsset"], symbol["quoteAsset"]) == ("BTC", "USDT")
            price, lot = symbol["filters"]
            assert (price["filterType"], price["tickSize"]) == ("PRICE_FILTER", "0.01000000")
            assert (lot["filterType"], lot["stepSize"]) == ("LOT_SIZE", "0.01000000")
            assert info["rateLimits"][0]["limit"] == 6_000
            both = await get(session, exchange, "exchangeInfo", symbols='["ETHUSDT","BTCUSDT"]')
            assert [one["symbol"] for one in both["symbols"]] == ["ETHUSDT", "BTCUSDT"]
            assert len(await get(session, exchange, "ticker/bookTicker")) == 2
            assert await get(session, exchange, "ping") == {}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("klines?symbol=ETHUSDT&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        (
            "klines?symbol=BTCUSDT",
            -1102,
            "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.",
        ),
        (
            "aggTrades",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        (
            "aggTrades?symbol=btcusdt",
            -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        ),
        (
            "aggTrades?symbol=BTCUSDT&fromId=-1",
            -1100,
            "Illegal characters found in parameter 'fromId'; legal range is '^[0-9]{1,20}$'.",
        ),
        (
            "aggTrades?symbol=BTCUSDT&fromId=99999999999999999999",
            -1108,
            "Parameter 'fromId' overflowed.",
        ),
        ("aggTrades?symbol=BTCUSDT&limit=", -1105, "Parameter 'limit' was empty."),
        (
            "aggTrades?symbol=BTCUSDT&limit=0",
            -1130,
            "Data sent for parameter 'limit' is not valid.",
        ),
        (
            "aggTrades?symbol=BTCUSDT&fromId=1&startTime=1",
            -1128,
            "Combination of optional parameters invalid.",
        ),
        ("ping?symbol=A&symbol=B", -1101, "Duplicate values for a parameter detected."),
        (
            "klines?symbol=BTCUSDT&interval=1m&timeZone=0",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
    ],
)
def test_bad_parameters_are_answered_as_the_exchange_does(
    running, small_market, path, code, message
):
    async def play() -> None:
        async with (
            running(small_market) as (exchange, session),
            session.get(f"{exchange.rest_url}/api/v3/{path}") as answer,
        ):
            assert answer.status == 400
            assert answer.content_type == "application/json"
            assert await answer.json() == {"code": code, "msg": message}

    asyncio.run(play())


def test_weight_is_counted_and_limited(running, small_market):
    async def play() -> None:
        few = Allowance(10, 60, bans=True)
        async with running(small_market, allowance=few) as (exchange, session):
            url = f"{exchange.rest_url}/api/v3/aggTrades?symbol=BTCUSDT"
            used, statuses = [], []
            for _ in range(14):
                async with session.get(url) as answer:
                    used.append(int(answer.headers["X-MBX-USED-WEIGHT-1M"]))
                    statuses.append(answer.status)
                    body = await answer.json()
                    retry_after = answer.headers.get("Retry-After")
            assert used[:3] == [4, 8, 12]
            assert statuses == [200] * 2 + [429] * 10 + [418] * 2
            assert body["code"] == -1003
            assert "IP banned until" in body["msg"]
            assert int(retry_after) <= 120

    asyncio.run(play())
