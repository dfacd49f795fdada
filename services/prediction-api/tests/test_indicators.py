"""The values that models are given can be read by close, page by page; so can the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from marketstream.messages import Features
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

RANGE = "from=1970-01-01T00:00:10Z&to=1970-01-01T00:00:20Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as opened:
        opened.write(
            [
                Features(
                    MARKET, "1s", close_ms, {"rsi_14": close_ms / 1_000, "ema_20": None},
                    100.0, 101.0, 100.5, "ab12", complete=close_ms > 10_000,
                )
                for close_ms in range(10_000, 20_000, 1_000)
            ]
        )  # fmt: skip
        yield opened


@pytest.fixture
def api(make_api: Callable[..., Api], store: Store) -> Api:
    return make_api(store=store)


def test_each_close_tells_its_values_and_null_while_they_warm_up(api: Api) -> None:
    found = api.client.get(f"/indicators/BTC-USDT?{RANGE}&limit=4").json()
    assert len(found["rows"]) == 4
    assert found["rows"][0] == {
        "close_time_ms": 10_000, "close": 100.5, "complete": False, "feature_set": "ab12",
        "values": {"rsi_14": 10.0, "ema_20": None},
    }  # fmt: skip
    following = api.client.get(found["next"]).json()
    assert following["rows"][0]["close_time_ms"] == 14_000


def test_only_those_that_are_named_are_told(api: Api) -> None:
    found = api.client.get(f"/indicators/binance/BTC-USDT?{RANGE}&name=rsi_14").json()
    assert found["rows"][3]["values"] == {"rsi_14": 13.0}
    refused = api.client.get(f"/indicators/BTC-USDT?{RANGE}&name=rsi")
    assert refused.status_code == 422
    assert refused.json()["detail"] == "no indicator rsi: there is ema_20, rsi_14"


def test_as_csv_each_is_a_column(api: Api) -> None:
    answer = api.client.get(f"/indicators/BTC-USDT?{RANGE}&format=csv")
    header, first, *_ = answer.text.splitlines()
    assert header == "close_time_ms,close,complete,feature_set,rsi_14,ema_20"
    assert first == "10000,100.5,False,ab12,10.0,"


def test_the_settings_in_use_are_told(make_api: Callable[..., Api]) -> None:
    told = make_api(requests_per_minute=60).client.get("/config").json()
    assert told["plan"]["markets"] == [MARKET]
    assert (told["plan"]["timeframe"], told["plan"]["horizons"]) == ("1s", [1, 2])
    assert told["api"] == {
        "host": "127.0.0.1", "port": 8000, "stale_after_ms": 5_000, "allowed_hosts": [],
        "cors_origins": [], "open_read": True, "requests_per_minute": 60,
        "most_streams": 64,
    }  # fmt: skip


def test_the_schema_tells_of_rows_by_an_example(api: Api) -> None:
    schema = api.client.get("/openapi.json").json()
    told = schema["paths"]["/indicators/{symbol}"]["get"]["responses"]["200"]["content"]
    row = told["application/json"]["example"]["rows"][0]
    page = schema["components"]["schemas"]["Page_IndicatorsAt_"]
    assert page["properties"]["rows"]["items"] == {"$ref": "#/components/schemas/IndicatorsAt"}
    assert set(row) == set(schema["components"]["schemas"]["IndicatorsAt"]["properties"])
