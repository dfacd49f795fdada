from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from exchanges.binance import VENUE
from exchanges.client import (
    RestClient,
    fetch_checked,
    fetch_klines,
    fetch_market_infos,
    fetch_newest_trade,
    fetch_server_time,
)
from exchanges.venue import HistoricTrade, MarketInfo
from marketstream.errors import NetworkError, RefusedError, SettingsError

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


async def ask_with(
    handler: Handler, symbols: list[str], patience_s: float = 60.0
) -> dict[str, MarketInfo]:
    async with (
        serving(handler) as url,
        RestClient(VENUE, url, timeout_s=5, patience_s=patience_s) as client,
    ):
        return await fetch_market_infos(client, symbols)


def test_tick_and_lot_come_from_the_exchange() -> None:
    asked: list[str] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(text=INFO)

    assert asyncio.run(ask_with(handler, ["BTC/USDT"])) == {"BTC/USDT": MarketInfo(2, 5)}
    assert asked == ["/api/v3/exchangeInfo?symbol=BTCUSDT"]


def test_many_are_asked_for_together() -> None:
    symbols = [f"C{number}/USDT" for number in range(150)]
    asked: list[int] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        names = json.loads(request.query["symbols"])
        asked.append(len(names))
        one = json.loads(INFO)["symbols"][0]
        return web.json_response({"symbols": [{**one, "symbol": name} for name in names]})

    infos = asyncio.run(ask_with(handler, symbols))
    assert infos == dict.fromkeys(symbols, MarketInfo(2, 5))
    assert asked == [100, 50]


def test_unknown_symbol_is_named() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        if request.query.get("symbol") == "BTCUSDT":
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


@pytest.mark.parametrize(("is_its_own", "least_s"), [(True, 0.5), (False, 0.0)])
def test_requests_to_a_venue_itself_are_as_far_apart_as_it_wants(
    is_its_own: bool, least_s: float
) -> None:
    asked_s: list[float] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked_s.append(time.monotonic())
        return web.Response(text=INFO.replace("BTCUSDT", request.query["symbol"]))

    async def run() -> None:
        async with serving(handler) as url:
            its_own = url.rstrip("/") if is_its_own else VENUE.rest_url
            venue = replace(VENUE, rest_url=its_own, rest_interval_s=0.5, market_infos_request=None)
            async with RestClient(venue, url) as client:
                await fetch_market_infos(client, ["BTC/USDT", "ETH/USDT", "XRP/USDT"])

    asyncio.run(run())
    assert len(asked_s) == 3
    assert asked_s[2] - asked_s[0] > 1.5 * least_s


def test_a_server_that_fails_or_breaks_off_is_asked_again() -> None:
    asked = 0

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 1:
            return web.Response(status=500)
        if asked == 2:
            answer = web.StreamResponse(headers={"Content-Length": "100"})
            await answer.prepare(request)
            await answer.write(INFO[:10].encode())
            assert request.transport is not None
            request.transport.abort()
            return answer
        return web.Response(text=INFO)

    assert asyncio.run(ask_with(handler, ["BTC/USDT"])) == {"BTC/USDT": MarketInfo(2, 5)}
    assert asked == 3


def test_a_ban_holds_for_all_clients_of_a_server() -> None:
    asked = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=418, headers={"Retry-After": "120"})

    async def run() -> None:
        async with (
            serving(handler) as url,
            RestClient(VENUE, url, patience_s=5) as one,
            RestClient(VENUE, url.rstrip("/"), patience_s=5) as other,
        ):
            for client in (one, other, one):
                with pytest.raises(RefusedError) as caught:
                    await fetch_server_time(client)
                assert 119 < caught.value.retry_after_s <= 120

    asyncio.run(run())
    assert asked == 1


def test_requests_are_put_off_before_the_limit_is_reached() -> None:
    used = iter(["10", "4800", "5400"])

    async def handler(request: web.BaseRequest) -> web.Response:
        headers = {"X-MBX-USED-WEIGHT-1M": next(used)}
        return web.Response(text='{"serverTime":1499827319559}', headers=headers)

    async def run() -> None:
        async with serving(handler) as url, RestClient(VENUE, url, patience_s=5) as client:
            for _ in range(3):
                assert await fetch_server_time(client) == 1499827319559
            with pytest.raises(RefusedError) as caught:
                await fetch_server_time(client)
            assert 29 < caught.value.retry_after_s <= 30

    asyncio.run(run())


def past_of(*ids: int, price: str = "100.0") -> str:
    row = '{{"a":{0},"p":"{1}","q":"1","f":{0},"l":{0},"T":{2},"m":true}}'
    return "[" + ",".join(row.format(one, price, 1723161255000 + one) for one in ids) + "]"


def answered[Said](body: str, ask: Callable[[RestClient], Awaitable[Said]]) -> Said:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=body)

    async def run() -> Said:
        async with serving(handler) as url, RestClient(VENUE, url, patience_s=0) as client:
            return await ask(client)

    return asyncio.run(run())


def test_a_page_is_checked_against_what_was_asked_for() -> None:
    checked = answered(
        past_of(7, 3, 9), lambda client: fetch_checked(client, "BTC/USDT", page_id=5, from_ms=0)
    )
    assert [row.page_id for row in checked.trades] == [7, 9]
    assert checked.rows == 3
    (reason,) = checked.refused
    assert "asked for 5 and on, answered 3" in reason


def test_a_newest_trade_of_another_market_is_refused() -> None:
    def ask(client: RestClient) -> Awaitable[HistoricTrade | None]:
        return fetch_newest_trade(client, "BTC/USDT", reference_price=60_000.0)

    assert answered("[]", ask) is None
    newest = answered(past_of(7, price="61000"), ask)
    assert newest is not None
    assert newest.page_id == 7
    with pytest.raises(NetworkError, match="another market's"):
        answered(past_of(7, price="2500"), ask)


@pytest.mark.parametrize(
    "body",
    [
        '{"code":-1003,"msg":"Too many requests"}',
        past_of(1, 2, 3)[:-20],
        '"text"',
        "null",
        "[" * 100_000,
        '{"serverTime":4102444800000000}',
    ],
)
def test_errors_inside_an_answer_are_network_errors(body: str) -> None:
    with pytest.raises(NetworkError):
        answered(body, lambda client: fetch_checked(client, "A/B", page_id=1, from_ms=0))
    with pytest.raises(NetworkError):
        answered(body, lambda client: fetch_klines(client, "A/B", "1m", from_ms=0))
    with pytest.raises(NetworkError):
        answered(body, fetch_server_time)


@pytest.mark.parametrize(
    ("status", "retry_after", "reason"),
    [
        (418, "7200", "takes no requests for 7.2e[+]03 s"),
        (429, "0", "takes no requests for"),
        (500, None, "HTTP 500"),
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
        asyncio.run(ask_with(handler, ["BTC/USDT"], patience_s=0.5))


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

        async with (
            serving(handler) as url,
            RestClient(VENUE, url, timeout_s=0.1, patience_s=0.2) as client,
        ):
            with pytest.raises(NetworkError, match=r"did not answer within 0\.1 s"):
                await fetch_server_time(client)
            given_up.set()

    asyncio.run(run())


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_end_is_a_network_error(status: int, *, packed: bool) -> None:
    asked = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        answer = web.StreamResponse(status=status)
        if packed:  # a few bytes on the wire
            answer.enable_compression()
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await answer.write(b"[" * 65_536)
        return answer

    async def ask() -> None:
        async with serving(endless) as url, RestClient(VENUE, url, most_bytes=2**20) as client:
            await fetch_server_time(client)

    with pytest.raises(NetworkError, match=r"/api/v3/time with more than 1 MiB.*URL right\?"):
        asyncio.run(ask())
    assert asked == 1


def test_a_long_body_is_read_whole() -> None:
    async def long(_: web.BaseRequest) -> web.Response:
        return web.Response(text='{"serverTime":1723161255000' + " " * 3_000_000 + "}")

    async def ask() -> int:
        async with serving(long) as url, RestClient(VENUE, url) as client:
            return await fetch_server_time(client)

    assert asyncio.run(ask()) == 1_723_161_255_000


def test_clock_of_the_exchange_is_read() -> None:
    assert VENUE.rest.parse_server_time(200, b'{"serverTime":1499827319559}') == 1499827319559


@pytest.mark.parametrize(
    ("tick", "decimals"),
    [("0.00000001", 8), ("0.01000000", 2), ("0.5", 1), ("1.00000000", 0), ("10", 0)],
)
def test_decimals_are_those_of_the_step(tick: str, decimals: int) -> None:
    body = INFO.replace("0.01000000", tick).encode()
    assert VENUE.rest.parse_market_info("BTC/USDT", 200, body).price_decimals == decimals


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
        VENUE.rest.parse_market_info("BTC/USDT", 200, body.encode())


def test_another_server_is_asked_where_one_refuses_our_location() -> None:
    async def refusing(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(status=451)

    async def telling(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.json_response({"serverTime": 1_700_000_000_000})

    async def test() -> None:
        async with (
            serving(refusing) as refuses,
            serving(telling) as tells,
            RestClient(VENUE, refuses, other_urls=[tells]) as client,
        ):
            assert await fetch_server_time(client) == 1_700_000_000_000

    asyncio.run(test())


def test_all_servers_that_refuse_our_location_are_an_error() -> None:
    async def refusing(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(status=451)

    async def test() -> None:
        async with (
            serving(refusing) as one,
            serving(refusing) as other,
            RestClient(VENUE, one, other_urls=[other]) as client,
        ):
            with pytest.raises(NetworkError, match="refuses this location"):
                await fetch_server_time(client)

    asyncio.run(test())
