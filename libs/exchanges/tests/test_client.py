from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from exchanges.binance import VENUE
from exchanges.binance.rest import parse_market_info, parse_server_time
from exchanges.client import RestClient, fetch_market_infos, fetch_server_time
from exchanges.venue import MarketInfo
from marketstream.errors import NetworkError, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

INFO = (
    '{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":['
    '{"filterType":"PRICE_FILTER","minPrice":"0.01","tickSize":"0.01000000"},'
    '{"filterType":"LOT_SIZE","minQty":"0.00001","stepSize":"0.00001000"}]}]}'
)


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    server = web.ServerRunner(web.Server(handler))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = server.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        await server.cleanup()


async def ask_with(handler: Handler, symbols: list[str]) -> dict[str, MarketInfo]:
    async with serving(handler) as url, RestClient(VENUE, url, timeout_s=5) as client:
        return await fetch_market_infos(client, symbols)


def test_tick_and_lot_come_from_the_exchange() -> None:
    asked: list[str] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(text=INFO)

    assert asyncio.run(ask_with(handler, ["BTC/USDT"])) == {"BTC/USDT": MarketInfo(2, 5)}
    assert asked == ["/api/v3/exchangeInfo?symbol=BTCUSDT"]


def test_unknown_symbol_is_named() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        if request.query["symbol"] == "BTCUSDT":
            return web.Response(text=INFO)
        return web.Response(status=400, text='{"code":-1121,"msg":"Invalid symbol."}')

    with pytest.raises(SettingsError, match="NO/SUCH is not traded on binance"):
        asyncio.run(ask_with(handler, ["BTC/USDT", "NO/SUCH"]))


def test_too_many_requests_are_waited_out() -> None:
    answers = [(429, "0"), (418, "0"), (200, None)]

    async def handler(request: web.BaseRequest) -> web.Response:
        status, retry_after = answers.pop(0)
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=status, headers=headers, text=INFO)

    assert asyncio.run(ask_with(handler, ["BTC/USDT"])) == {"BTC/USDT": MarketInfo(2, 5)}
    assert answers == []


@pytest.mark.parametrize(
    ("status", "retry_after", "reason"),
    [
        (418, "7200", "takes no requests for 7200 s"),
        (429, "0", "after 3 attempts"),
        (451, None, "refuses this location .* EXCHANGE_REST_URL"),
        (403, None, "HTTP 403"),
        (200, None, "unexpected answer"),
    ],
)
def test_refusal_says_what_to_do(status: int, retry_after: str | None, reason: str) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=status, headers=headers, text="<html>no</html>")

    with pytest.raises(NetworkError, match=reason):
        asyncio.run(ask_with(handler, ["BTC/USDT"]))


def test_exchange_that_is_not_there_or_no_url_is_a_network_error(unused_port: int) -> None:
    async def ask(url: str) -> None:
        async with RestClient(VENUE, url) as client:
            await fetch_server_time(client)

    with pytest.raises(NetworkError, match="cannot be reached"):
        asyncio.run(ask(f"http://127.0.0.1:{unused_port}"))
    with pytest.raises(NetworkError, match="EXCHANGE_REST_URL"):
        asyncio.run(ask("nonsense"))


def test_exchange_that_does_not_answer_in_time_is_a_network_error() -> None:
    async def run() -> None:
        given_up = asyncio.Event()

        async def handler(request: web.BaseRequest) -> web.Response:
            await given_up.wait()
            return web.Response()

        async with serving(handler) as url, RestClient(VENUE, url, timeout_s=0.1) as client:
            with pytest.raises(NetworkError, match=r"did not answer within 0\.1 s"):
                await fetch_server_time(client)
            given_up.set()

    asyncio.run(run())


def test_clock_of_the_exchange_is_read() -> None:
    assert parse_server_time(200, b'{"serverTime":1499827319559}') == 1499827319559


@pytest.mark.parametrize(
    ("tick", "decimals"),
    [("0.00000001", 8), ("0.01000000", 2), ("0.5", 1), ("1.00000000", 0), ("10", 0)],
)
def test_decimals_are_those_of_the_step(tick: str, decimals: int) -> None:
    body = INFO.replace("0.01000000", tick).encode()
    assert parse_market_info("BTC/USDT", 200, body).price_decimals == decimals


@pytest.mark.parametrize(
    "body",
    [
        INFO.replace("PRICE_FILTER", "OTHER"),
        INFO.replace("0.01000000", "cheap"),
        INFO.replace("0.01000000", "NaN"),
        INFO.replace('"BTCUSDT"', '"ETHUSDT"'),
        '{"symbols":[]}',
    ],
)
def test_answer_without_a_usable_tick_is_a_network_error(body: str) -> None:
    with pytest.raises(NetworkError):
        parse_market_info("BTC/USDT", 200, body.encode())
