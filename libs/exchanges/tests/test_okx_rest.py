from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exchanges import okx, okx_swap
from exchanges.client import fetch_checked, fetch_klines, fetch_newest_trade, fetch_server_time
from exchanges.venue import MarketInfo
from marketstream.errors import NetworkError, SettingsError
from marketstream.messages import Trade

if TYPE_CHECKING:
    from aiohttp import web

    from .conftest import Ask

SPOT, SWAP = okx.VENUE.rest, okx_swap.VENUE.rest
PERPETUAL = "BTC/USDT:USDT"
BEGIN_MS, FIRST_ID, LAST_ID = 1_700_000_000_000, 1_000, 4_000
SWAP_INFO = {
    "instId": "BTC-USDT-SWAP", "tickSz": "0.1", "lotSz": "0.1", "ctVal": "0.01", "ctMult": "1",
    "ctValCcy": "BTC",
}  # fmt: skip


def answer(*rows: object, code: str = "0", message: str = "") -> bytes:
    return json.dumps({"code": code, "msg": message, "data": rows}).encode()


def row(number: int, instrument: str = "BTC-USDT", size: str = "57") -> dict[str, Any]:
    time_ms = BEGIN_MS + 10 * (number - FIRST_ID)
    return {
        "instId": instrument, "side": "sell", "sz": size, "source": "0", "px": "29963.2",
        "tradeId": str(number), "ts": str(time_ms),
    }  # fmt: skip


def history(request: web.BaseRequest) -> bytes:
    """Answer as `/api/v5/market/history-trades` does: the newest first, older than `after`."""
    query = request.query
    end = min(int(query.get("after", LAST_ID + 1)), LAST_ID + 1)
    first = max(FIRST_ID, end - int(query["limit"]))
    return answer(*(row(number, query["instId"]) for number in reversed(range(first, end))))


def test_a_page_begins_with_the_id_that_was_asked_for(ask: Ask) -> None:
    checked = ask(
        okx.VENUE,
        history,
        lambda client: fetch_checked(client, "BTC/USDT", page_id=2_000, from_ms=0),
    )
    assert [one.page_id for one in checked.trades] == list(range(2_000, 2_100))
    assert checked.refused == ()
    assert checked.next_page_id(okx.VENUE.page_trades) == 2_100


def test_the_last_page_is_filled_with_older_trades_that_are_nobodys_fault(ask: Ask) -> None:
    checked = ask(
        okx.VENUE,
        history,
        lambda client: fetch_checked(client, "BTC/USDT", page_id=3_990, from_ms=0),
    )
    assert [one.page_id for one in checked.trades] == list(range(3_990, LAST_ID + 1))
    assert checked.refused == ()


def test_a_past_is_found_from_a_time_on(ask: Ask) -> None:
    from_ms = BEGIN_MS + 10 * 777
    checked = ask(
        okx.VENUE,
        history,
        lambda client: fetch_checked(client, "BTC/USDT", page_id=None, from_ms=from_ms),
    )
    assert checked.trades[0].page_id == FIRST_ID + 777


def test_quantities_of_perpetuals_are_in_base_units(ask: Ask) -> None:
    asked: list[str] = []

    def said(request: web.BaseRequest) -> bytes:
        asked.append(request.path)
        return answer(SWAP_INFO) if "instruments" in request.path else history(request)

    async def both(client: Any) -> list[Trade]:
        checked = await fetch_checked(client, PERPETUAL, page_id=LAST_ID, from_ms=0)
        newest = await fetch_newest_trade(client, PERPETUAL)
        assert newest is not None
        return [checked.trades[0].trade, newest.trade]

    trades = ask(okx_swap.VENUE, said, both)
    assert [(one.id, one.quantity) for one in trades] == [(LAST_ID, 0.57)] * 2
    assert asked == ["/api/v5/public/instruments", *["/api/v5/market/history-trades"] * 2]


def test_lots_of_perpetuals_are_in_base_units() -> None:
    info = SWAP.parse_market_info(PERPETUAL, 200, answer(SWAP_INFO))
    assert info == MarketInfo(1, 3, Fraction(1, 100))
    large = SWAP_INFO | {"ctVal": "1000", "lotSz": "1"}
    assert SWAP.parse_market_info(PERPETUAL, 200, answer(large)) == MarketInfo(1, 0, Fraction(1000))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ctValCcy": "USD"},
        {"ctVal": ""},
        {"ctVal": "0"},
        {"ctVal": "1/3"},
        {"ctVal": "0.011e1723161240000"},
        {"ctMult": "1e400"},
        {"lotSz": "1e-1723161240000"},
        {"ctMult": "nan"},
        {"lotSz": ""},
        {"tickSz": "cheap"},
    ],
)
def test_contracts_that_nobody_can_count_are_network_errors(wrong: dict[str, str]) -> None:
    with pytest.raises(NetworkError, match="no tick or lot in the answer"):
        SWAP.parse_market_info(PERPETUAL, 200, answer(SWAP_INFO | wrong))


def test_a_symbol_that_is_not_listed_is_told_however_it_is_said() -> None:
    unknown = answer(code="51001", message="Instrument ID doesn't exist")
    for status, body in ((200, unknown), (400, unknown), (200, answer())):
        with pytest.raises(SettingsError, match="NO/SUCH is not traded on okx:"):
            SPOT.parse_market_info("NO/SUCH", status, body)


def test_refusals_in_good_answers_are_network_errors_that_say_why() -> None:
    body = answer(code="50001", message="Service temporarily unavailable")
    for parse in (SPOT.parse_trades, SPOT.parse_klines, SPOT.parse_market_info):
        with pytest.raises(NetworkError, match=r"Service temporarily unavailable \(50001\)"):
            parse("BTC/USDT", 200, body)
    with pytest.raises(NetworkError, match="does not say what time it is"):
        SPOT.parse_server_time(200, answer())


def test_too_many_requests_are_waited_out(ask: Ask) -> None:
    answers = [answer(code="50011", message="Too Many Requests"), answer({"ts": "1597026383085"})]
    time_ms = ask(okx.VENUE, lambda _: answers.pop(0), fetch_server_time)
    assert (time_ms, answers) == (1597026383085, [])


def test_rows_of_another_market_are_refused_alone() -> None:
    page = SPOT.parse_trades("BTC/USDT", 200, answer(row(7), row(8, "BTC-USDT-SWAP")))
    assert [one.page_id for one in page.trades] == [7]
    assert "instId=BTC-USDT-SWAP" in page.refused[0]


def test_klines_are_asked_for_by_the_page() -> None:
    request = SWAP.klines_request(PERPETUAL, "12h", from_ms=BEGIN_MS)
    assert request.query == {
        "instId": "BTC-USDT-SWAP", "bar": "12Hutc", "before": str(BEGIN_MS - 1),
        "after": str(BEGIN_MS + 100 * 43_200_000), "limit": "100",
    }  # fmt: skip


@pytest.mark.data
def test_recorded_answers_say_what_they_are(market_data: Path, ask: Ask) -> None:
    frames = market_data / "wire" / "frames" / "okx"
    page = SPOT.parse_trades("BTC/USDT", 200, (frames / "http_get_trades.json").read_bytes())
    assert [one.trade for one in page.trades] == [
        Trade(734864333, 102537.9, 0.00013669, "sell", 1747087163557000),
        Trade(734864332, 102537.9, 0.0000125, "buy", 1747087161666000),
    ]
    body = (frames / "http_get_candlesticks_full.json").read_bytes()
    klines = ask(
        okx_swap.VENUE,
        lambda _: body,
        lambda client: fetch_klines(client, PERPETUAL, "1m", from_ms=1747093980000),
    )
    assert [(one.open_time_ms, one.close_time_ms, one.volume) for one in klines] == [
        (1747093980000, 1747094039999, "71.6404"),
        (1747094040000, 1747094099999, "10.4037"),
    ]
    with pytest.raises(NetworkError, match="is not after"):  # made up, the oldest first
        SPOT.parse_klines("BTC/USDT", 200, (frames / "http_get_candlesticks.json").read_bytes())
