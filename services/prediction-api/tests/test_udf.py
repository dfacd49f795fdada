"""What a chart of TradingView's asks by UDF is answered as the protocol has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketstream.messages import Candle
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.views.bars import bars_of, decimals_of, resolutions

from .conftest import MARKET, Api

PERPETUAL = "binance-usdm:BTC/USDT:USDT"
START_S = 1_700_000_040  # the beginning of a minute


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def chart(make_api: Callable[..., Api], store: Store, make_candle: Callable[..., Candle]) -> Api:
    """An exchange's three minutes, but for the second ten seconds of the second one."""
    store.write([
        make_candle((START_S + second) * 1_000, open=100.0 + second, high=200.0 + second,
                    low=50.5 - second / 8, close=101.25 + second, volume=2.0)
        for second in range(180) if not 70 <= second < 80
    ])  # fmt: skip
    return make_api(MARKET, PERPETUAL, store=store)


def ask(api: Api, path: str, **asked: object) -> Any:
    answer = api.client.get(f"/udf/{path}", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


def history(api: Api, resolution: str, since: int, until: int, **more: object) -> Any:
    asked = {"symbol": MARKET, "resolution": resolution, **more}
    return ask(api, "history", **{"from": START_S + since, "to": START_S + until, **asked})


def test_the_configuration_names_resolutions_and_venues(chart: Api) -> None:
    told = ask(chart, "config")
    assert told["supported_resolutions"] == ["1S", "5S", "15S", "30S", "1"]
    assert [each["value"] for each in told["exchanges"]] == ["", "binance", "binance-usdm"]
    assert (told["supports_search"], told["supports_group_request"]) == (True, False)


def test_what_timeframes_make_up_can_be_asked_for() -> None:
    assert list(resolutions(["250ms", "1s", "1m"])) == [
        "1S", "5S", "15S", "30S", "1", "5", "15", "30", "60",
    ]  # fmt: skip
    made = resolutions(["250ms", "1s", "1m", "1h"])
    assert {name: each.timeframe for name, each in made.items() if name in ("30S", "1", "1D")} == {
        "30S": "1s", "1": "1m", "1D": "1h",
    }  # fmt: skip
    assert list(resolutions(["96s"])) == []


def test_a_market_is_told_of_by_any_of_its_names(chart: Api) -> None:
    told = ask(chart, "symbols", symbol=MARKET)
    assert (told["ticker"], told["exchange"], told["pricescale"]) == (MARKET, "binance", 1_000)
    assert (told["has_seconds"], told["seconds_multipliers"]) == (True, ["1", "5", "15", "30"])
    assert (told["session"], told["timezone"], told["minmov"]) == ("24x7", "Etc/UTC", 1)
    assert (
        ask(chart, "symbols", symbol="BTC-USDT") == ask(chart, "symbols", symbol="BTCUSDT") == told
    )
    assert ask(chart, "symbols", symbol=PERPETUAL)["ticker"] == PERPETUAL


def test_markets_are_searched_for_by_a_part_of_their_name(chart: Api) -> None:
    assert [each["ticker"] for each in ask(chart, "search", query="btc")] == [MARKET, PERPETUAL]
    asked = {"query": "btc", "type": "crypto", "exchange": "binance-usdm", "limit": 5}
    assert [each["ticker"] for each in ask(chart, "search", **asked)] == [PERPETUAL]
    assert ask(chart, "search", query="doge") == []
    assert len(ask(chart, "search", query="", limit=1)) == 1


def test_bars_of_a_range_come_in_columns(chart: Api) -> None:
    told = history(chart, "1S", 10, 13)
    assert told == {
        "s": "ok", "t": [START_S + 10, START_S + 11, START_S + 12], "o": [110.0, 111.0, 112.0],
        "h": [210.0, 211.0, 212.0], "l": [49.25, 49.125, 49.0], "c": [111.25, 112.25, 113.25],
        "v": [2.0, 2.0, 2.0],
    }  # fmt: skip


def test_longer_bars_are_put_together_of_candles_and_holes_make_none_of_their_own(
    chart: Api,
) -> None:
    told = history(chart, "1", 0, 180)
    assert told["t"] == [START_S, START_S + 60, START_S + 120]
    assert (told["o"], told["c"]) == ([100.0, 160.0, 220.0], [160.25, 220.25, 280.25])
    assert (told["h"][0], told["l"][0], told["v"]) == (259.0, 43.125, [120.0, 100.0, 120.0])
    assert history(chart, "30S", 5, 31)["t"] == [START_S, START_S + 30]  # bars that `from` is in


def test_so_many_bars_are_counted_back_across_a_hole(chart: Api) -> None:
    told = history(chart, "5S", 80, 90, countback=4)
    assert told["t"] == [START_S + second for second in (60, 65, 80, 85)]
    assert history(chart, "1S", 179, 180, countback=100_000)["t"][0] == START_S


def test_where_there_are_no_bars_it_says_when_the_newest_before_opens(chart: Api) -> None:
    assert history(chart, "1S", 72, 75) == {"s": "no_data", "nextTime": START_S + 69}
    assert history(chart, "1S", -90, -60) == {"s": "no_data"}
    assert history(chart, "1S", -90, -60, countback=7) == {"s": "no_data"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("symbols?symbol=DOGEUSDT", 404),
        ("history?symbol=kraken:BTC/USD&resolution=1S&to=5", 404),
        ("history?symbol=BTC-USDT&resolution=7&to=5", 422),
        ("history?symbol=BTC-USDT&resolution=1S", 422),
        ("history?symbol=BTC-USDT&resolution=1S&to=-5", 422),
        ("history?symbol=BTC-USDT&resolution=1S&to=5&countback=0", 422),
    ],
)
def test_what_there_is_not_is_said(chart: Api, path: str, status: int) -> None:
    answer = chart.client.get(f"/udf/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (
        status, "application/problem+json",
    )  # fmt: skip
    if status == 404:
        assert answer.json()["s"] == "error"
        assert answer.json()["errmsg"] == answer.json()["detail"]


def test_the_time_is_in_seconds(chart: Api) -> None:
    answer = chart.client.get("/udf/time")
    assert answer.headers["content-type"].startswith("text/plain")
    assert int(answer.text) > START_S


def test_prices_tell_their_decimals(make_candle: Callable[..., Candle]) -> None:
    assert decimals_of([]) == 2
    assert decimals_of([make_candle(low=1e-7, close=60_000.0)]) == 7
    whole = dict.fromkeys(("open", "high", "low", "close"), 60000.0)
    assert decimals_of([make_candle(**whole)]) == 0


def test_no_candles_make_no_bars() -> None:
    assert bars_of([], 1_000).t == []
