"""Each kind of fault as a client of a running exchange meets it."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from exchange_simulator.faults.spec import Spec, parse_spec
from exchange_simulator.market.seeded import SeededMarket

NONE = Spec()
STREAMS = "btcusdt@trade/btcusdt@bookTicker/ethusdt@trade"


def markets() -> list[SeededMarket]:
    return [SeededMarket(name, 1, trades_per_second=200.0) for name in ("BTC/USDT", "ETH/USDT")]


async def begin(
    exchange: Any, session: aiohttp.ClientSession, kind: str, **query: object
) -> dict[str, Any]:
    url = f"{exchange.rest_url}/simulator/faults/{kind}"
    params = {name: str(value) for name, value in query.items()}
    async with session.post(url, params=params) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def heard(ws: aiohttp.ClientWebSocketResponse, seconds: float) -> list[str]:
    """Return what comes within some seconds."""
    texts: list[str] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not ws.closed:
        try:
            message = await ws.receive(left)
        except TimeoutError:
            break
        if message.type is WSMsgType.TEXT:
            texts.append(message.data)
    return texts


def trades_of(texts: list[str]) -> list[dict[str, Any]]:
    return [frame for frame in map(json.loads, texts) if frame.get("e") == "trade"]


def play(running, work) -> None:
    async def run() -> None:
        async with (
            running(*markets(), faults=NONE) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/{STREAMS}", max_msg_size=0) as ws,
        ):
            await ws.receive(20.0)  # the market is made before the first frame
            assert trades_of(await heard(ws, 0.2))
            await work(exchange, session, ws)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "code"), [("cut", 1006), ("close", 1001), ("server_shutdown", 1001)]
)
def test_connections_end(running, kind, code):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, kind)
        texts = await heard(ws, 3.0)
        assert ws.close_code == code
        assert any("serverShutdown" in text for text in texts) == (kind == "server_shutdown")

    play(running, work)


@pytest.mark.parametrize("kind", ["zombie", "half_open"])
def test_a_connection_says_nothing_until_the_end(running, kind):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, kind, seconds=60)
        await heard(ws, 0.05)
        assert await heard(ws, 0.3) == []
        exchange.faults.end(kind)
        assert trades_of(await heard(ws, 0.3))

    play(running, work)


def test_one_channel_of_one_market_is_silent(running):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, "silent_trades", symbol="BTCUSDT", seconds=60)
        await heard(ws, 0.05)
        texts = await heard(ws, 0.4)
        assert {frame["s"] for frame in trades_of(texts)} == {"ETHUSDT"}
        assert any('"u":' in text for text in texts)

    play(running, work)


def test_a_stall_holds_everything_and_then_floods(running):
    async def work(exchange, session, ws) -> None:
        before = trades_of(await heard(ws, 0.1))
        await begin(exchange, session, "stall", seconds=60)
        before += trades_of(await heard(ws, 0.05))
        assert await heard(ws, 0.3) == []
        exchange.faults.end("stall")
        ids = [t["t"] for t in before + trades_of(await heard(ws, 0.2)) if t["s"] == "BTCUSDT"]
        assert ids == list(range(ids[0], ids[0] + len(ids)))

    play(running, work)


@pytest.mark.parametrize(
    "kind",
    [
        "malformed", "truncated", "wrong_symbol", "absurd_price", "absurd_quantity",
        "absurd_time", "id_ahead", "id_behind", "duplicate", "reorder", "drop",
    ],
)  # fmt: skip
def test_frames_are_made_wrong_and_the_ledger_is_right(running, kind):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, kind, seconds=60, share=0.5)
        await heard(ws, 0.1)
        texts = await heard(ws, 0.5)
        exchange.faults.end(kind)
        unread, frames = 0, []
        for text in texts:
            try:
                frames.append(json.loads(text))
            except json.JSONDecodeError:
                unread += 1
        assert (unread > 0) == (kind in ("malformed", "truncated"))
        url = f"{exchange.rest_url}/simulator/ledger/BTCUSDT"
        shown = [f for f in frames if f.get("e") == "trade" and f["s"] == "BTCUSDT"]
        middle = sorted(f["t"] for f in shown)[len(shown) // 2]
        async with session.get(url, params={"from_id": middle - 500, "limit": 2_000}) as answer:
            true = {row["id"]: row for row in (await answer.json())["trades"]}
        ids = list(true)
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        wrong = [
            f
            for f in shown
            if f["t"] not in true
            or (f["p"], f["q"]) != (true[f["t"]]["price"], true[f["t"]]["quantity"])
            or f["T"] != true[f["t"]]["time_us"] // 1_000
        ]
        told = [f["t"] for f in shown]
        assert bool(wrong) == kind.startswith(("absurd", "id_", "wrong"))
        if kind == "wrong_symbol":
            assert any(f.get("s") == "NOSUCHUSDT" for f in frames)
        if kind == "duplicate":
            assert len(set(told)) < len(told)
        if kind == "reorder":
            assert told != sorted(told)
        if kind == "drop":
            assert len(told) < max(told) - min(told) + 1

    play(running, work)


def test_ids_begin_again_in_streams_and_rest_and_the_ledger_says_so(running):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, "ids_again", symbol="BTCUSDT")
        trades = [t for t in trades_of(await heard(ws, 0.5)) if t["s"] == "BTCUSDT"]
        again = [t["t"] for t in trades if t["t"] < 1_000]
        assert again == list(range(1, len(again) + 1))
        params = {"symbol": "BTCUSDT", "fromId": "1", "limit": "5"}
        async with session.get(f"{exchange.rest_url}/api/v3/aggTrades", params=params) as answer:
            assert [row["a"] for row in await answer.json()] == [1, 2, 3, 4, 5]
        url = f"{exchange.rest_url}/simulator/ledger/BTCUSDT"
        async with session.get(url, params={"from_id": 1, "epoch": 1, "limit": 3}) as answer:
            ledger = await answer.json()
        assert [(row["epoch"], row["id"]) for row in ledger["trades"]] == [(1, 1), (1, 2), (1, 3)]
        assert len(ledger["epochs"]) == 2

    play(running, work)


def test_a_huge_frame_and_one_without_end(running):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, "huge")
        assert max(map(len, await heard(ws, 3.0))) > 64 << 20
        await begin(exchange, session, "endless", seconds=60)
        await heard(ws, 0.1)
        assert await heard(ws, 0.3) == []
        exchange.faults.end("endless")
        await heard(ws, 2.0)
        assert ws.close_code == 1006

    play(running, work)


def test_subscriptions_are_refused_once(running):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, "refuse_subscribe")
        for refused in (True, False):
            await ws.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@bookTicker"], "id": 5})
            answers = [f for f in map(json.loads, await heard(ws, 0.3)) if f.get("id") == 5]
            assert ["error" in answer for answer in answers] == [refused]

    play(running, work)


@pytest.mark.parametrize("status", [403, 418, 429, 451, 503])
def test_connections_are_refused(running, status):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, f"connect_{status}", seconds=7)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(exchange.ws_url)
        assert refusal.value.status == status
        assert ("Retry-After" in (refusal.value.headers or {})) == (status in (418, 429))

    play(running, work)


@pytest.mark.parametrize("status", [418, 429, 500])
def test_rest_requests_are_refused(running, status):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, f"rest_{status}", seconds=7)
        async with session.get(f"{exchange.rest_url}/api/v3/time") as answer:
            assert answer.status == status
            assert answer.headers.get("Retry-After") == (None if status == 500 else "7")

    play(running, work)


def test_rest_hangs_until_the_fault_ends_and_ends_in_the_middle(running):
    async def work(exchange, session, ws) -> None:
        await begin(exchange, session, "rest_hang", seconds=0.3)
        began = time.monotonic()
        async with session.get(f"{exchange.rest_url}/api/v3/time") as answer:
            assert answer.status == 503
        assert time.monotonic() - began > 0.2
        await begin(exchange, session, "rest_truncated", seconds=5)
        async with session.get(f"{exchange.rest_url}/api/v3/exchangeInfo") as answer:
            with pytest.raises(json.JSONDecodeError):
                json.loads(await answer.text())

    play(running, work)


@pytest.mark.parametrize(
    "kind", ["empty", "holes", "duplicates", "reversed", "shuffled", "wrong_symbol", "units"]
)
def test_pages_of_trades_are_made_wrong(running, kind):
    async def work(exchange, session, ws) -> None:
        url = f"{exchange.rest_url}/api/v3/aggTrades"
        first = trades_of(await heard(ws, 0.2))[0]
        params = {"symbol": first["s"], "fromId": str(first["t"] - 50), "limit": "50"}
        async with session.get(url, params=params) as answer:
            true = await answer.json()
        await begin(exchange, session, f"rest_{kind}", seconds=60)
        async with session.get(url, params=params) as answer:
            page = await answer.json()
        assert page != true
        ids = [row["a"] for row in page]
        if kind == "empty":
            assert page == []
        if kind == "holes":
            assert len(page) == 34
        if kind == "duplicates":
            assert len(set(ids)) == 50 < len(ids)
        if kind == "reversed":
            assert page == true[::-1]
        if kind == "shuffled":
            assert sorted(ids) == [row["a"] for row in true]
        if kind == "units":
            assert not 0.5 < page[0]["T"] / true[0]["T"] < 2

    play(running, work)


def test_the_clock_is_off_and_the_log_says_when(running):
    async def work(exchange, session, ws) -> None:
        fault = await begin(exchange, session, "clock_skew", seconds=60)
        await heard(ws, 0.05)
        trade = trades_of(await heard(ws, 0.2))[0]
        assert abs(trade["E"] - trade["T"]) >= 500
        async with session.delete(f"{exchange.rest_url}/simulator/faults/clock_skew") as answer:
            assert await answer.json() == {"ended": 1}
        async with session.get(f"{exchange.rest_url}/simulator/faults") as answer:
            (row,) = await answer.json()
        assert row["number"] == fault["number"]
        assert row["end_us"] > row["begin_us"]
        assert row["struck"] > 0

    play(running, work)


def test_an_unknown_fault_or_market_is_named(running):
    async def work(exchange, session, ws) -> None:
        for path, words in (("zombi", "did you mean zombie?"), ("stall?symbol=X", "'X'")):
            async with session.post(f"{exchange.rest_url}/simulator/faults/{path}") as answer:
                assert answer.status == 400
                assert words in (await answer.json())["error"]

    play(running, work)


def test_the_seed_chooses_which_frames_of_a_recording_are_dropped(running, small_market):
    async def ids(seed: int) -> list[int]:
        spec = parse_spec(f"drop=50%:seed={seed}")
        async with (
            running(small_market, speed=1_000.0, faults=spec) as (exchange, session),
            session.ws_connect(f"{exchange.ws_url}/btcusdt@trade") as ws,
        ):
            return [trade["t"] for trade in trades_of(await heard(ws, 3.0))]

    first, again, other = (asyncio.run(ids(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert 0 < len(first) < 11


def test_without_faults_there_is_no_control(running):
    async def work() -> None:
        async with (
            running(*markets()) as (exchange, session),
            session.get(f"{exchange.rest_url}/simulator/faults") as answer,
        ):
            assert answer.status == 404
            assert exchange.faults is None

    asyncio.run(work())
