"""Of very many markets that want to ask a few do at a time, and the others wait for their turn."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from prometheus_client import CollectorRegistry

from exchanges.catalogue import venue_named
from exchanges.client import RestClient
from marketstream.metrics import Metrics
from trades.asking import Asking
from trades.session.market import MarketSession
from trades.session.rules import Rules

MARKETS = 200


def now_us() -> int:
    return time.time_ns() // 1_000


class Exchange:
    """Has no trades, and counts how many questions it is asked at a time."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.at_once = self.most_at_once = 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.02)
        self.at_once -= 1
        self.asked.add(request.query.get("symbol", ""))
        return web.Response(text="[]")


async def ask_of_all_markets(exchange: Exchange) -> None:
    runner = web.ServerRunner(web.Server(exchange.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    sessions = {}
    for market in (f"binance:C{number}/USDT" for number in range(MARKETS)):
        session = MarketSession(market, lambda _message, _received_ns: None, Rules(asks=True))
        session.start(now_us(), from_us=now_us() - 60_000_000, exchange_us=now_us())
        sessions[market] = session
    async with RestClient(venue_named("binance"), f"http://{host}:{port}") as client:
        asking = Asking(
            client, sessions, Metrics(CollectorRegistry()),
            now_us=now_us, pause=lambda: asyncio.sleep(0),
        )  # fmt: skip
        running = asyncio.create_task(asking.run())
        try:
            async with asyncio.timeout(60):
                while len(exchange.asked) < MARKETS:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await runner.cleanup()


def test_all_markets_have_their_turn_and_sixteen_ask_at_a_time() -> None:
    exchange = Exchange()
    asyncio.run(ask_of_all_markets(exchange))
    assert exchange.asked == {f"C{number}USDT" for number in range(MARKETS)}
    assert exchange.most_at_once == 16
