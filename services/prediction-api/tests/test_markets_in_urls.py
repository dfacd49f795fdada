"""Which market a URL means, with two venues that have the same symbol."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from marketstream.messages import Prediction
from marketstream.store.sql import open_store
from prediction_api.routes.markets import NoSuchMarketError, find_market, market_path

from .conftest import Api

BINANCE, KRAKEN = "binance:BTC/USDT", "kraken:BTC/USDT"
ETH, PERPETUAL, HANZI = "binance:ETH/USDT", "binance-usdm:BTC/USDT:USDT", "binance:币安人生/USDT"
MARKETS = (BINANCE, KRAKEN, ETH, PERPETUAL, HANZI)

type Make[Made] = Callable[..., Made]


@pytest.fixture
def venues(make_api: Make[Api], make_prediction: Make[Prediction], tmp_path: Path) -> Iterator[Api]:
    """An API of five markets, each of which predicts another price."""
    store = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    api = make_api(*MARKETS, store=store)
    for number, market in enumerate(MARKETS):
        api.see(10_000, market)
        api.views.hear(make_prediction(market=market, predicted_price=float(number)), api.ns)
    yield api
    store.close()


def market_of_answer(api: Api, path: str) -> str:
    answer = api.client.get(f"/predictions/{path}")
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["predictions"]
    return MARKETS[int(prediction["predicted_price"])]


@pytest.mark.parametrize(
    ("path", "market"),
    [
        ("ETH-USDT", ETH), ("eth-usdt", ETH), ("ETH_USDT", ETH), ("ETH%2FUSDT", ETH),
        ("binance/ETH-USDT", ETH), ("binance/BTC-USDT", BINANCE), ("kraken/btc-usdt", KRAKEN),
        ("ETH-USDT/", ETH), ("kraken/BTC-USDT/", KRAKEN), ("kraken/BTC%2FUSDT", KRAKEN),
        ("kraken/BTC_USDT", KRAKEN), ("ETHUSDT", ETH), ("kraken/btcusdt", KRAKEN),
        ("BTCUSDTUSDT", PERPETUAL),
        ("BTC-USDT:USDT", PERPETUAL), ("BTC%2FUSDT%3AUSDT", PERPETUAL),
        ("binance-usdm/BTC-USDT:USDT", PERPETUAL), ("binance-usdm/BTC%2FUSDT:USDT", PERPETUAL),
        (f"{quote('币安人生')}-USDT", HANZI), (f"binance/{quote('币安人生/USDT', safe='')}", HANZI),
    ],
)  # fmt: skip
def test_a_market_is_found_in_every_usual_way_of_writing_it(
    venues: Api, path: str, market: str
) -> None:
    assert market_of_answer(venues, path) == market


@pytest.mark.parametrize("market", MARKETS)
def test_the_path_that_is_shown_of_a_market_leads_to_it(venues: Api, market: str) -> None:
    assert market_of_answer(venues, market_path(market)) == market


@pytest.mark.parametrize("route", ["predictions", "view", "stream"])
@pytest.mark.parametrize("symbol", ["BTC-USDT", "btc%2Fusdt"])
def test_a_symbol_of_several_venues_is_answered_with_the_choices(
    venues: Api, route: str, symbol: str
) -> None:
    answer = venues.client.get(f"/{route}/{symbol}")
    assert answer.status_code == 300
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    choices = [f"/{route}/binance/BTC-USDT", f"/{route}/kraken/BTC-USDT"]
    assert body["choices"] == choices
    assert all(choice in body["detail"] for choice in choices)


@pytest.mark.parametrize("route", ["predictions", "view", "stream"])
@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("XRP-USDT", ["XRP/USDT is not followed", "there is binance/BTC-USDT", "ETH-USDT"]),
        ("okx/BTC-USDT", ["okx/BTC-USDT is not followed", "kraken"]),
        ("kraken/ETH-USDT", ["ETH/USDT on kraken is not followed", "ETH-USDT"]),
        ("kraken/nonsense", ["is not a symbol"]),
        ("kraken/", ["is not a symbol"]),
    ],
)
def test_an_unknown_venue_or_symbol_is_not_found_and_says_what_there_is(
    venues: Api, route: str, path: str, parts: Sequence[str]
) -> None:
    answer = venues.client.get(f"/{route}/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(part in answer.json()["detail"] for part in parts), answer.text


def test_two_venues_do_not_collide_in_health_and_routes(venues: Api) -> None:
    assert list(venues.client.get("/health").json()["markets"]) == list(MARKETS)
    index = venues.client.get("/routes").json()
    assert [each["market"] for each in index["markets"]] == list(MARKETS)
    assert "/predictions/ETH-USDT" in index["routes"]
    assert "/predictions/BTC-USDT" not in index["routes"]
    for route in index["routes"]:
        assert venues.client.get(route).status_code == 200
    assert "/predictions/binance/BTC-USDT/stream" in index["streams"]
    assert "/predictions/BTC-USDT/stream" not in index["streams"]
    assert len(index["posts"]) == 2 * len(MARKETS)
    for route in index["posts"]:
        assert venues.client.post(route).status_code == 401, "there is one, for admins"
    told = venues.client.get("/openapi.json").json()["paths"]
    assert [path.rpartition("/")[2] for path, of in told.items() if "post" in of] == [
        "promote", "rollback",
    ]  # fmt: skip


def test_a_coin_that_is_called_like_a_venue_is_still_a_coin() -> None:
    markets = ("okx:OKX/USDT", "okx:BTC/USDT")
    assert find_market(markets, "BTC-USDT", "okx") == "okx:BTC/USDT"
    assert find_market(markets, "USDT", "OKX") == "okx:OKX/USDT"
    with pytest.raises(NoSuchMarketError, match="ETH/USDT on okx is not followed here"):
        find_market(markets, "ETH-USDT", "okx")
