from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exchanges.checked import check_trades
from exchanges.client import RestClient, fetch_server_time
from exchanges.kraken import VENUE, rest
from exchanges.kraken.samples import SAMPLES
from exchanges.venue import MarketInfo
from marketstream.errors import NetworkError, RefusedError, SettingsError

ROW = ["30243.40000", "0.34507674", 1688669597.8277369, "b", "m", "", 61044952]
PAIR = {"pair_decimals": 1, "lot_decimals": 8}


def answer(name: str, value: object) -> bytes:
    return json.dumps({"error": [], "result": {name: value}}).encode()


@pytest.mark.parametrize(
    ("symbol", "asked", "names"),
    [
        ("BTC/USD", "XBTUSD", ["XXBTZUSD", "XBTUSD", "BTC/USD"]),
        ("ETH/BTC", "ETHXBT", ["XETHXXBT"]),
        ("DOGE/EUR", "XDGEUR", ["XDGEUR"]),
        ("SOL/USDT", "SOLUSDT", ["SOLUSDT"]),
    ],
)
def test_answers_are_of_the_symbol_under_each_of_its_names(
    symbol: str, asked: str, names: list[str]
) -> None:
    assert rest.market_info_request(symbol).query["pair"] == asked
    for name in names:
        info = rest.parse_market_info(symbol, 200, answer(name, PAIR))
        assert info == MarketInfo(price_decimals=1, quantity_decimals=8)
    for other in ("XXBTZEUR", "XLTCZUSD", "last"):
        with pytest.raises(NetworkError):
            rest.parse_trades(symbol, 200, answer(other, [ROW]))


def test_an_error_in_a_good_answer_is_told() -> None:
    for problem in ("EService:Unavailable", "EGeneral:Invalid arguments"):
        body = json.dumps({"error": [problem]}).encode()
        for parse in (rest.parse_trades, rest.parse_klines, rest.parse_market_info):
            with pytest.raises(NetworkError, match=problem):
                parse("BTC/USD", 200, body)
        with pytest.raises(NetworkError, match=problem):
            rest.parse_server_time(200, body)
    with pytest.raises(SettingsError, match="NO/SUCH is not traded on kraken"):
        rest.parse_market_info("NO/SUCH", *SAMPLES.not_traded)


def test_a_trade_has_its_time_to_the_microsecond_and_its_taker_as_given() -> None:
    body = b'{"error":[],"result":{"XXBTZUSD":[["1","2",1688669597.8277369,"s","l","",7]]}}'
    (row,) = rest.parse_trades("BTC/USD", 200, body).trades
    assert (row.page_id, row.trade.id, row.trade.taker) == (7, 7, "sell")
    assert row.trade.time_us == 1688669597827736


@pytest.mark.parametrize("time_s", ["NaN", "Infinity", "1e999999", "-1", "0", "1688669597827"])
def test_a_row_at_no_time_is_refused_alone(time_s: str) -> None:
    rows = [ROW, [*ROW[:2], time_s, *ROW[3:]]]
    page = rest.parse_trades("BTC/USD", 200, answer("XXBTZUSD", rows))
    assert len(page.trades) == len(page.refused) == 1
    assert "is no time in seconds" in page.refused[0]


def test_pages_begin_at_a_time_whatever_the_id() -> None:
    request = rest.trades_request("BTC/USD", page_id=5, from_ms=1_688_669_597_827)
    assert request.query == {"pair": "XBTUSD", "since": "1688669597826999999", "count": "1000"}
    assert rest.newest_trade_request("BTC/USD").query["count"] == "1"
    klines = rest.klines_request("BTC/USD", "4h", from_ms=1_688_669_520_000)
    assert klines.query == {"pair": "XBTUSD", "interval": "240", "since": "1688669519"}


def test_a_good_answer_that_refuses_is_waited_out() -> None:
    answers = [
        b'{"error":["EAPI:Rate limit exceeded"]}',
        b'{"error":["EService: Throttled: 1762795433"]}',
        SAMPLES.server_time,
    ]

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=answers.pop(0))

    assert asyncio.run(_ask_time(handler, patience_s=30.0)) == SAMPLES.server_time_ms
    assert answers == []


def test_an_answer_that_refuses_for_good_is_a_refusal() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b'{"error":["EGeneral:Temporary lockout"]}')

    with pytest.raises(RefusedError, match="takes no requests"):
        asyncio.run(_ask_time(handler, patience_s=0.1))


async def _ask_time(handler: Any, *, patience_s: float) -> int:
    app = web.Application()
    app.router.add_get("/0/public/Time", handler)
    async with TestServer(app) as server:
        url = str(server.make_url(""))
        async with RestClient(VENUE, url, patience_s=patience_s) as client:
            return await fetch_server_time(client)


@pytest.mark.data
def test_recorded_answers_say_what_they_hold(market_data: Path) -> None:
    folder = market_data / "wire" / "frames" / "kraken"
    page = rest.parse_trades("BTC/USDT", 200, (folder / "http_trades.json").read_bytes())
    checked = check_trades(page, "BTC/USDT", page_id=None, from_ms=1_762_795_433_000)
    assert (len(checked.trades), checked.refused) == (1_000, ())
    ids = [row.trade.id for row in checked.trades]
    assert ids == list(range(10_218_208, 10_219_208))
    klines = rest.parse_klines("BTC/USDT", 200, (folder / "http_ohlc.json").read_bytes())
    assert len(klines) > VENUE.page_klines
    assert (klines[2].volume, klines[2].trade_count) == ("0.00032101", 1)


@pytest.mark.data
def test_takers_move_the_price_to_their_side(market_data: Path) -> None:
    body = (market_data / "wire" / "frames" / "kraken" / "http_trades.json").read_bytes()
    trades = [row.trade for row in rest.parse_trades("BTC/USDT", 200, body).trades]
    moves = [(two.price - one.price, two.taker) for one, two in pairwise(trades)]
    agree = [(move > 0) == (taker == "buy") for move, taker in moves if move]
    assert len(agree) > 600
    assert sum(agree) > 0.7 * len(agree)
