"""A perpetual that counts in contracts is followed by the trades part, past and live; recorded."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from exchanges.catalogue import venue_named
from exchanges.sources import Source
from marketstream.fakes import LivePorts
from marketstream.messages import Quote, Trade, Trades
from marketstream.plan import Plan
from marketstream.recordings import header_of
from realtime_training.commands.record.work import Recorder
from trades.build import build
from trades.settings import TradesSettings

MARKET = "okx-swap:BTC/USDT:USDT"
INSTRUMENT = "BTC-USDT-SWAP"
EVERY_MS = 50
PATIENCE_S = 60


class Exchange:
    """Trades 57 contracts of 0.01 every 50 ms, those of the last two fills told together."""

    def __init__(self) -> None:
        self.first_ms = (time.time_ns() // 1_000_000 // EVERY_MS - 4_000) * EVERY_MS

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ws", self.websocket)
        app.router.add_get("/api/v5/public/instruments", self.instruments)
        app.router.add_get("/api/v5/public/time", self.time)
        app.router.add_get("/api/v5/market/history-trades", self.trades)
        return app

    def end(self) -> int:
        """Return the id after the newest."""
        return (time.time_ns() // 1_000_000 - self.first_ms) // EVERY_MS

    def row(self, number: int, count: int = 1) -> dict[str, Any]:
        return {
            "instId": INSTRUMENT, "tradeId": str(number), "px": "60000.1", "sz": str(57 * count),
            "side": "buy", "ts": str(self.first_ms + number * EVERY_MS),
        }  # fmt: skip

    async def instruments(self, request: web.Request) -> web.Response:
        assert dict(request.query) == {"instType": "SWAP", "instId": INSTRUMENT}
        rules = {"instId": INSTRUMENT, "tickSz": "0.1", "lotSz": "1", "ctVal": "0.01"}
        return answer([rules | {"ctMult": "1", "ctValCcy": "BTC"}])

    async def time(self, request: web.Request) -> web.Response:
        return answer([{"ts": str(time.time_ns() // 1_000_000)}])

    async def trades(self, request: web.Request) -> web.Response:
        end = min(int(request.query.get("after", 2**62)), self.end())
        begin = max(0, end - int(request.query["limit"]))
        return answer([self.row(number) for number in reversed(range(begin, end))])

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        asked = json.loads(await line.receive_str())["args"]
        assert [one["channel"] for one in asked] == ["trades", "bbo-tbt"]
        for arg in asked:
            await line.send_json({"event": "subscribe", "arg": arg, "connId": "a4d3ae55"})
        said = self.end()
        while not line.closed:
            end = self.end()
            for number in range(said + 1, end - 1, 2):
                row = self.row(number, count=2) | {"count": "2", "source": "0"}
                await line.send_json({"arg": asked[0], "data": [row]})
                said = number + 1
            book = {"bids": [["60000.1", "300", "0", "2"]], "asks": [["60000.2", "7", "0", "1"]]}
            now = {"ts": str(time.time_ns() // 1_000_000), "seqId": end}
            await line.send_json({"arg": asked[1], "data": [book | now]})
            await asyncio.sleep(EVERY_MS / 1_000)
        return line


def answer(rows: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"code": "0", "msg": "", "data": rows})


class Ports(LivePorts):
    """Ports whose messages are looked at by kind."""

    @property
    def told(self) -> list[Trades]:
        return [message for message, _ in self.published if isinstance(message, Trades)]

    @property
    def trades(self) -> list[Trade]:
        return [trade for message in self.told for trade in message.trades]


def test_past_and_live_trades_join_and_quantities_are_in_base_units(tmp_path: Path) -> None:
    ports = Ports(tmp_path)

    async def run() -> None:
        async with TestServer(Exchange().app()) as server, asyncio.timeout(PATIENCE_S):
            settings = TradesSettings(
                exchange="okx-swap",
                ws_url=str(server.make_url("/ws")).replace("http", "ws", 1),
                rest_url=str(server.make_url("")),
                history_minutes=1,
            )
            part = build(Plan((MARKET,), "1s", (1,)), settings, ports)
            assert part.work is not None
            working = asyncio.create_task(part.work())
            while sum(trade.count == 2 for trade in ports.trades) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    asyncio.run(run())
    trades = sorted(ports.trades, key=lambda trade: trade.id)
    assert all(two.id - two.count == one.id for one, two in pairwise(trades))
    assert {(trade.count, trade.quantity) for trade in trades} == {(1, 0.57), (2, 1.14)}
    assert trades[-1].time_us - trades[0].time_us > 50_000_000
    live = [message for message in ports.told if message.quote is not None]
    assert live
    assert live[-1].quantity_decimals == 2
    quote = live[-1].quote
    assert isinstance(quote, Quote)
    assert (quote.bid_quantity, quote.ask_quantity) == (3.0, 0.07)


def test_what_is_recorded_says_what_a_contract_is_worth(tmp_path: Path) -> None:
    async def run() -> None:
        async with TestServer(Exchange().app()) as server, asyncio.timeout(PATIENCE_S):
            source = Source(
                "okx-swap",
                venue_named("okx-swap"),
                str(server.make_url("/ws")).replace("http", "ws", 1),
                str(server.make_url("")),
                ("BTC/USDT:USDT",),
            )
            recorder = Recorder([source], tmp_path, every_s=3_600, levels=0)
            recording = asyncio.create_task(recorder.run())
            while recorder.summary()[0]["trades"] < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)

    asyncio.run(run())
    (file,) = tmp_path.glob("*.frames.gz")
    header = header_of(file)
    assert header is not None
    assert header.contract_sizes == {"BTC/USDT:USDT": "1/100"}
