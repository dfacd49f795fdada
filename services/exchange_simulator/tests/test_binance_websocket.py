import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from exchange_simulator.market.recording import RecordedMarket
from exchange_simulator.market.seeded import SeededMarket
from exchange_simulator.serving.port import ConnectionRules, Pace

TRADE = "btcusdt@trade"
BOOK = "btcusdt@bookTicker"


async def rest_of(ws: aiohttp.ClientWebSocketResponse) -> list[Any]:
    """Return every frame until the connection ends."""
    return [json.loads(message.data) async for message in ws if message.type is WSMsgType.TEXT]


async def ask(ws: aiohttp.ClientWebSocketResponse, **request: object) -> Any:
    """Send a control message and return its answer, passing over the market's frames."""
    await ws.send_json({"id": 1, **request})
    while "id" not in (answer := await ws.receive_json()):
        pass
    return answer


@pytest.mark.data
def test_recorded_market_arrives_whole_in_order_and_to_the_digit(running, market_data: Path):
    days = ("08", "09")
    paths = [market_data / f"trades/binance-spot-BTCUSDT-202408{d}.frames.gz" for d in days]
    recorded = []
    for path in paths:
        with gzip.open(path, "rt") as lines:
            for text in lines:
                if '"stream":"btcusdt@trade"' in text or '"stream":"btcusdt@bookTicker"' in text:
                    try:
                        recorded.append(json.loads(text.partition(" ")[2]))
                    except json.JSONDecodeError:
                        assert not text.endswith("}\n")  # the recorder's last, unfinished line
    for frame in recorded:
        frame["data"].pop("E", None)

    async def play() -> None:
        tape = RecordedMarket(paths, "BTC/USDT")
        async with running(tape, speed=2_000.0) as (exchange, session):
            url = f"{exchange.combined_url}?streams={TRADE}/{BOOK}"
            async with session.ws_connect(url) as ws:
                frames = await rest_of(ws)
                assert ws.close_code == 1001
            await exchange.ended
            last = frames.pop()
            assert (last["stream"], last["data"]["reason"]) == (
                "!serverShutdown",
                "recording ended",
            )
            for frame in frames:
                frame["data"].pop("E", None)
            assert frames == recorded
            assert exchange.ledger.trades_sent == {"BTC/USDT": 19_904}
            assert exchange.ledger.quotes_sent == {"BTC/USDT": 73_174}

    asyncio.run(play())


def test_raw_stream_starts_when_the_first_client_subscribes(running, small_market):
    async def play() -> None:
        async with running(small_market, speed=1_000.0) as (exchange, session):
            async with session.ws_connect(exchange.ws_url) as ws:
                assert exchange.market_time_us == small_market.start_us
                answer = await ask(ws, method="SUBSCRIBE", params=[TRADE])
                assert answer == {"result": None, "id": 1}
                frames = await rest_of(ws)
            assert [frame.get("t") for frame in frames] == [*range(100, 111), None]
            assert frames[-1]["e"] == "serverShutdown"
            assert frames[-1]["reason"] == "recording ended"

    asyncio.run(play())


def test_two_clients_both_get_everything(running, small_market):
    async def play() -> None:
        async with running(small_market, speed=1_000.0, gather_s=1.0) as (exchange, session):
            raw = session.ws_connect(f"{exchange.ws_url}/{TRADE}")
            combined = session.ws_connect(f"{exchange.combined_url}?streams={TRADE}")
            async with raw as one, combined as two:
                first, second = await asyncio.gather(rest_of(one), rest_of(two))
            assert [frame["t"] for frame in first[:-1]] == list(range(100, 111))
            assert [frame["data"] for frame in second] == first
            assert exchange.ledger.trades_sent == {"BTC/USDT": 11}

    asyncio.run(play())


def test_unsubscribed_stream_falls_silent(running):
    async def play() -> None:
        market = SeededMarket("BTC/USDT", 1)
        async with (
            running(market) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/{TRADE}/{BOOK}") as ws,
        ):
            kinds = {"t" in json.loads((await ws.receive()).data) for _ in range(40)}
            assert kinds == {True, False}
            await ask(ws, method="UNSUBSCRIBE", params=[BOOK])
            assert (await ask(ws, method="LIST_SUBSCRIPTIONS"))["result"] == [TRADE]
            assert all(["t" in await ws.receive_json() for _ in range(10)])

    asyncio.run(play())


def test_live_trades_have_consecutive_ids_and_can_be_combined_later(running):
    async def play() -> None:
        async with (
            running(SeededMarket("BTC/USDT", 1), speed=20.0) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/{TRADE}?timeUnit=MICROSECOND") as ws,
        ):
            frames = [await ws.receive_json() for _ in range(50)]
            ids = [frame["t"] for frame in frames]
            assert ids == list(range(ids[0], ids[0] + 50))
            assert frames[0]["T"] > 10**15
            await ws.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 7})
            while (await ws.receive_json()) != {"result": None, "id": 7}:
                pass
            assert (await ws.receive_json())["stream"] == TRADE

    asyncio.run(play())


def test_names_that_do_not_exist_stay_silent(running, small_market):
    async def play() -> None:
        async with (
            running(small_market, speed=1_000.0) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/BTCUSDT@trade/ethusdt@trade") as ws,
        ):
            await ask(ws, method="SUBSCRIBE", params=["btcusdt@depth"])
            assert exchange.market_time_us == small_market.start_us
            names = (await ask(ws, method="LIST_SUBSCRIPTIONS"))["result"]
            assert names == ["BTCUSDT@trade", "ethusdt@trade", "btcusdt@depth"]

    asyncio.run(play())


def test_klines_come_every_two_seconds_and_closed_at_the_end(running, small_market):
    async def play() -> None:
        async with running(small_market, speed=1_000.0) as (exchange, session):
            url = f"{exchange.ws_url}/btcusdt@kline_1m/btcusdt@kline_1s"
            async with session.ws_connect(url) as ws:
                frames = (await rest_of(ws))[:-1]
        minutes = [frame["k"] for frame in frames if frame["k"]["i"] == "1m"]
        seconds = [frame["k"] for frame in frames if frame["k"]["i"] == "1s"]
        assert [kline["n"] for kline in minutes[:6]] == [2, 4, 6, 8, 10, 10]
        assert [kline["x"] for kline in minutes].index(True) == 29
        closed = minutes[29]
        assert (closed["n"], closed["f"], closed["L"]) == (10, 100, 109)
        assert (closed["o"], closed["c"]) == ("100.15000000", "109.15000000")
        assert (closed["v"], closed["V"]) == ("2.50000000", "1.25000000")
        assert (closed["q"], closed["Q"]) == ("261.62500000", "131.43750000")
        assert all(kline["x"] for kline in seconds)
        assert len(seconds) == 70
        silent = seconds[30]
        assert (silent["n"], silent["f"], silent["o"], silent["v"]) == (
            0,
            -1,
            "109.15000000",
            "0.00000000",
        )

    asyncio.run(play())


def test_ping_of_the_client_is_answered_with_its_payload(running, small_market):
    async def play() -> None:
        async with (
            running(small_market) as (exchange, session),
            session.ws_connect(exchange.ws_url, autoping=False) as ws,
        ):
            await ws.ping(b"hello")
            message = await ws.receive()
            assert (message.type, message.data) == (WSMsgType.PONG, b"hello")

    asyncio.run(play())


def test_silent_client_is_pinged_and_then_cut(running, small_market):
    rules = ConnectionRules(ping_interval_s=0.05, pong_timeout_s=0.2, messages=Pace(100, 1.0))

    async def play() -> None:
        async with running(small_market, rules=rules) as (exchange, session):
            async with session.ws_connect(exchange.ws_url, autoping=False) as ws:
                kinds = []
                while (kind := (await ws.receive()).type) is WSMsgType.PING:
                    kinds.append(kind)
                    await ws.pong(b"unsolicited")
            assert len(kinds) >= 3
            assert ws.close_code == 1006

    asyncio.run(play())


def test_client_that_answers_pings_stays(running, small_market):
    rules = ConnectionRules(ping_interval_s=0.05, pong_timeout_s=0.2, messages=Pace(100, 1.0))

    async def play() -> None:
        async with (
            running(small_market, rules=rules) as (exchange, session),
            session.ws_connect(exchange.ws_url, autoping=False) as ws,
        ):
            for _ in range(10):
                ping = await ws.receive()
                assert ping.type is WSMsgType.PING
                await ws.pong(ping.data)

    asyncio.run(play())


def test_sixth_message_in_a_second_ends_the_connection(running, small_market):
    async def play() -> None:
        async with (
            running(small_market) as (exchange, session),
            session.ws_connect(exchange.ws_url) as ws,
        ):
            for number in range(6):
                await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            answers = await rest_of(ws)
            assert [answer["id"] for answer in answers] == [0, 1, 2, 3, 4]
            assert ws.close_code == 1008

    asyncio.run(play())


def test_connection_ends_with_its_life(running):
    async def play() -> None:
        market = SeededMarket("BTC/USDT", 1)
        async with (
            running(market, rules=ConnectionRules(life_s=2.0)) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/{BOOK}") as ws,
        ):
            assert await rest_of(ws)
            assert ws.close_code == 1001

    asyncio.run(play())


def test_bad_json_is_answered_and_the_connection_stays(running, small_market):
    async def play() -> None:
        async with (
            running(small_market) as (exchange, session),
            session.ws_connect(exchange.ws_url) as ws,
        ):
            await ws.send_str("{")
            assert (await ws.receive_json())["code"] == 3
            await ws.send_bytes(b"\xff")
            assert (await ws.receive_json())["code"] == 3
            assert await ask(ws, method="LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("timeUnit=SECOND", -1194),
        ("streams=" + "/".join(f"s{n}@trade" for n in range(1_025)), -1191),
    ],
)
def test_connection_that_asks_for_nonsense_is_refused(running, small_market, query, code):
    async def play() -> None:
        async with running(small_market) as (exchange, session):
            url = exchange.combined_url.replace("ws", "http", 1)
            async with session.get(f"{url}?{query}") as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, code)

    asyncio.run(play())


def test_too_many_connection_attempts_are_refused(running, small_market):
    async def play() -> None:
        rules = ConnectionRules(attempts=Pace(1, 300.0))
        async with (
            running(small_market, rules=rules) as (exchange, session),
            session.ws_connect(exchange.ws_url),
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(exchange.ws_url)
            assert refused.value.status == 429

    asyncio.run(play())


def test_orderly_stop_is_announced(running):
    async def play() -> None:
        async with (
            running(SeededMarket("BTC/USDT", 1)) as (exchange, session),
            session.ws_connect(f"{exchange.combined_url}?streams={TRADE}") as ws,
        ):
            frames = asyncio.create_task(rest_of(ws))
            await exchange.close()
            last = (await frames)[-1]["data"]
            assert last["e"] == "serverShutdown"
            assert "reason" not in last  # the exchange was closed: its market goes on
            assert ws.close_code == 1001

    asyncio.run(play())


def test_kline_of_a_month_is_known_from_the_last_day_on_and_goes_on(running):
    async def play() -> None:
        market = SeededMarket("BTC/USDT", 1, trades_per_second=0.5)
        async with (
            running(market, speed=20.0) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/btcusdt@kline_1M") as ws,
        ):
            first, second = [(await ws.receive_json())["k"] for _ in range(2)]
            assert 40_000 < first["n"] <= second["n"]
            assert first["t"] == second["t"]
            assert first["f"] == second["f"]

    asyncio.run(play())
