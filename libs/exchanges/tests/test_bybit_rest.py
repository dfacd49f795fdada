from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exchanges import bybit, bybit_linear
from exchanges.bybit.wire import number_of_uuid
from exchanges.client import fetch_checked, fetch_klines, fetch_newest_trade, fetch_server_time
from exchanges.venue import HistoricTrade
from marketstream.errors import NetworkError, SettingsError
from marketstream.klines import Kline
from marketstream.messages import Trade

if TYPE_CHECKING:
    from aiohttp import web

    from .conftest import Ask

SPOT, LINEAR = bybit.VENUE.rest, bybit_linear.VENUE.rest
PERPETUAL = "BTC/USDT:USDT"
TIME = b'{"retCode":0,"retMsg":"OK","result":{"timeNano":"1688639403423213947"}}'
UUIDS = [f"{number}0f43950-d8dd-5b31-9112-a178eb6023af" for number in "31425"]


def answer(result: object, code: int = 0, message: str = "OK") -> bytes:
    return json.dumps({"retCode": code, "retMsg": message, "result": result}).encode()


def row(name: str, time_ms: int, **other: Any) -> dict[str, Any]:
    said = {"execId": name, "symbol": "BTCUSDT", "price": "27450.5", "size": "0.005"}
    return said | {"side": "Buy", "time": str(time_ms), "isBlockTrade": False} | other


def rows(*some: dict[str, Any]) -> bytes:
    return answer({"category": "linear", "list": list(some)})


def test_a_symbol_that_is_not_listed_is_told_however_it_is_said() -> None:
    for body in (
        answer({"category": "linear", "list": []}),
        answer({}, 10001, "params error: Symbol Is Invalid"),
    ):
        with pytest.raises(SettingsError, match=r"NO/SUCH:USDT|not traded on bybit \(linear\)"):
            LINEAR.parse_market_info("NO/SUCH:SUCH", 200, body)
    with pytest.raises(NetworkError, match=r"refused a request: Request parameter error. \(10001"):
        LINEAR.parse_market_info(PERPETUAL, 200, answer({}, 10001, "Request parameter error."))


def test_refusals_in_good_answers_are_network_errors_that_say_why() -> None:
    body = answer({}, 10016, "Server error.")
    with pytest.raises(NetworkError, match=r"refused a request: Server error. \(10016\)"):
        SPOT.parse_trades("BTC/USDT", 200, body)
    with pytest.raises(NetworkError, match=r"Server error. \(10016\)"):
        SPOT.parse_klines("BTC/USDT", 200, body)
    with pytest.raises(NetworkError, match=r"Server error. \(10016\)"):
        SPOT.parse_server_time(200, body)


def test_too_many_visits_are_waited_out(ask: Ask) -> None:
    answers = [answer({}, 10006, "Too many visits!"), TIME]
    time_ms = ask(bybit.VENUE, lambda _: answers.pop(0), fetch_server_time)
    assert (time_ms, answers) == (1688639403423, [])


def test_block_trades_of_the_past_are_left_out_and_nobodys_fault() -> None:
    page = SPOT.parse_trades("BTC/USDT", 200, rows(row("8", 1700000000000, isBlockTrade=True)))
    assert page == ([], ())


def test_trades_of_one_millisecond_stay_in_the_order_in_which_they_are_told(ask: Ask) -> None:
    times = [1700000000002, 1700000000001, 1700000000001, 1700000000001, 1700000000000]
    body = rows(*(row(name, time) for name, time in zip(UUIDS, times, strict=True)))
    checked = ask(
        bybit_linear.VENUE,
        lambda _: body,
        lambda client: fetch_checked(client, PERPETUAL, page_id=None, from_ms=0),
    )
    assert [one.trade.time_us - 1_700_000_000_000_000 for one in checked.trades] == [
        0, 1_000, 1_001, 1_002, 2_000,
    ]  # fmt: skip
    assert [one.trade.id for one in checked.trades] == [*map(number_of_uuid, reversed(UUIDS))]
    assert checked.refused == ()


def test_the_newest_trades_come_whatever_time_is_asked_from(ask: Ask) -> None:
    old, new = row("7", 1700000000000), row("8", 1700000100000, side="Sell")
    asked: list[str] = []

    def said(request: web.BaseRequest) -> bytes:
        asked.append(request.path_qs)
        return rows(new, old)

    checked = ask(
        bybit.VENUE,
        said,
        lambda client: fetch_checked(client, "BTC/USDT", page_id=None, from_ms=1700000090000),
    )
    trade = Trade(8, 27450.5, 0.005, "sell", 1700000100000000)
    assert checked == ([HistoricTrade(8, trade)], 2, ())
    assert asked == ["/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=60"]


def test_the_newest_trade_is_asked_for_alone(ask: Ask) -> None:
    asked: list[str] = []

    def said(request: web.BaseRequest) -> bytes:
        asked.append(request.path_qs)
        return rows(row(UUIDS[0], 1700000000000))

    newest = ask(bybit_linear.VENUE, said, lambda client: fetch_newest_trade(client, PERPETUAL))
    assert newest is not None
    assert newest.trade.id == number_of_uuid(UUIDS[0])
    assert asked == ["/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1"]


def test_rows_of_another_market_are_refused_alone() -> None:
    other = row("8", 1700000000000, symbol="ETHUSDT")
    page = SPOT.parse_trades("BTC/USDT", 200, rows(row("7", 1700000000000), other))
    assert [one.page_id for one in page.trades] == [7]
    assert "symbol=ETHUSDT" in page.refused[0]


def test_klines_are_asked_for_by_the_page_and_come_in_the_order_of_time() -> None:
    request = LINEAR.klines_request(PERPETUAL, "1h", from_ms=1_700_000_000_000)
    assert request.query == {
        "category": "linear", "symbol": "BTCUSDT", "interval": "60", "start": "1700000000000",
        "end": str(1_700_000_000_000 + 200 * 3_600_000 - 1), "limit": "200",
    }  # fmt: skip
    other = answer({"symbol": "ETHUSDT", "list": []})
    with pytest.raises(NetworkError, match="answered for ETHUSDT"):
        LINEAR.parse_klines(PERPETUAL, 200, other)


@pytest.mark.data
def test_recorded_answers_say_what_they_are(market_data: Path, ask: Ask) -> None:
    frames = market_data / "wire" / "frames" / "bybit"
    page = LINEAR.parse_trades(
        PERPETUAL, 200, (frames / "http_get_trades_recent.json").read_bytes()
    )
    number = number_of_uuid("a905d5c3-1ed0-4f37-83e4-9c73a2fe2f01")
    trade = Trade(number, 27450.5, 0.005, "buy", 1709891679000000)
    assert page == ([HistoricTrade(1709891679000000 << 63 | number, trade)], ())
    body = (frames / "http_get_klines_linear.json").read_bytes()
    (kline,) = ask(
        bybit_linear.VENUE,
        lambda _: body,
        lambda client: fetch_klines(client, PERPETUAL, "3m", from_ms=1709891679000),
    )
    assert kline == Kline(
        1709891679000, "27450", "27460", "27440", "27455", "123.45", 1709891858999, "3390000",
        0, "0", "0",
    )  # fmt: skip
