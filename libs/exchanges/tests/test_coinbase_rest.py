from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from exchanges.checked import Checked
from exchanges.client import RestClient, fetch_checked, fetch_newest_trade
from exchanges.coinbase import VENUE, rest
from exchanges.coinbase.samples import SAMPLES
from marketstream.errors import NetworkError, SettingsError

FIRST_ID, NEWEST_ID = 5_000, 12_345
START_S = 1_700_000_000


def row(number: int) -> dict[str, Any]:
    time = datetime.fromtimestamp(START_S + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"trade_id": number, "time": time, "price": "9314.78", "size": "0.5", "side": "sell"}


async def trades(request: web.Request) -> web.Response:
    """Answer as the exchange does: so many rows older than `after`, the newest first."""
    after = int(request.query.get("after", NEWEST_ID + 1))
    newest = min(after - 1, NEWEST_ID)
    oldest = max(newest - int(request.query["limit"]) + 1, FIRST_ID)
    return web.json_response([row(number) for number in range(newest, oldest - 1, -1)])


def ask(call: Any) -> Any:
    async def run() -> Any:
        app = web.Application()
        app.router.add_get("/products/BTC-USD/trades", trades)
        async with (
            TestServer(app) as server,
            RestClient(VENUE, str(server.make_url(""))) as client,
        ):
            return await call(client)

    return asyncio.run(run())


def page(*, page_id: int | None, from_ms: int = 0) -> Checked:
    checked: Checked = ask(
        lambda client: fetch_checked(client, "BTC/USD", page_id=page_id, from_ms=from_ms)
    )
    assert checked.refused == ()
    return checked


def ids(checked: Checked) -> list[int]:
    return [one.page_id for one in checked.trades]


def test_a_page_begins_with_its_id_and_ends_a_page_further_on() -> None:
    checked = page(page_id=6_000)
    assert ids(checked) == list(range(6_000, 7_000))
    assert checked.next_page_id(VENUE.page_trades) == 7_000


def test_pages_end_with_the_newest_trade() -> None:
    last = page(page_id=12_300)
    assert ids(last) == list(range(12_300, NEWEST_ID + 1))
    none = page(page_id=NEWEST_ID + 1)
    assert ids(none) == []
    assert none.next_page_id(VENUE.page_trades) is None


def test_the_first_page_begins_at_a_time_although_none_can_be_asked_for() -> None:
    assert ids(page(page_id=None, from_ms=(START_S + 7_000) * 1_000)) == list(range(7_000, 8_000))
    assert ids(page(page_id=None, from_ms=START_S * 1_000))[0] == FIRST_ID
    assert ids(page(page_id=None, from_ms=(START_S + 20_000) * 1_000)) == []


def test_the_newest_trade_is_asked_for_alone() -> None:
    newest = ask(lambda client: fetch_newest_trade(client, "BTC/USD"))
    assert newest.page_id == NEWEST_ID
    assert newest.trade.taker == "buy"


@pytest.mark.parametrize("status", ["delisted"])
def test_a_product_that_is_delisted_is_not_traded(status: str) -> None:
    body = SAMPLES.market_info.replace(b'"online"', f'"{status}"'.encode())
    with pytest.raises(SettingsError, match="BTC/USD is not traded on coinbase"):
        rest.parse_market_info("BTC/USD", 200, body)


def test_a_step_that_is_none_is_a_network_error() -> None:
    body = SAMPLES.market_info.replace(b'"0.01"', b'"cheap"')
    with pytest.raises(NetworkError, match="no tick or lot"):
        rest.parse_market_info("BTC/USD", 200, body)


def test_no_more_candles_are_asked_for_than_an_answer_holds() -> None:
    request = rest.klines_request("BTC/USD", "5m", from_ms=1_415_398_800_000)
    assert request.path == "/products/BTC-USD/candles"
    assert request.query == {
        "granularity": "300", "start": "2014-11-07T22:20:00Z", "end": "2014-11-08T23:15:00Z",
    }  # fmt: skip
