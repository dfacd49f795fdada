"""How whole a market is can be asked for, and is told out of the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketstream.messages import Audit, Candle, Gap, Mending, Stall
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

type Make[Made] = Callable[..., Made]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def stored(make_api: Make[Api], store: Store) -> Api:
    return make_api(store=store)


def test_gaps_stalls_candles_and_what_the_auditor_says_are_told_over_the_range(
    stored: Api, store: Store, make_candle: Make[Candle]
) -> None:
    certified = {"first_trade_id": 100, "last_trade_id": 102, "expected_count": 3}
    store.write([
        make_candle(10_000, **certified), make_candle(11_000, complete=False),
        Gap(MARKET, 103, 105, 11_100_000, 11_200_000, "lost", "the exchange has none"),
        Stall(MARKET, 11_500_000, "trades", 11_900_000, "resumed"),
        Audit(MARKET, "1s", 10_000, 12_000, 3, 2, 1), Audit(MARKET, "1s", 12_000, 13_000, 1, 1, 0),
    ])  # fmt: skip
    stored.say(Mending(0, 1, 0))
    asked = {"from": "1970-01-01T00:00:10Z", "to": "1970-01-01T00:00:20Z"}
    answer = stored.client.get("/integrity/binance/BTC-USDT", params=asked)
    assert answer.status_code == 200
    assert answer.json() == {
        "market": MARKET, "from_ms": 10_000, "to_ms": 20_000, "sound": True,
        "proven_until_ms": 12_000,
        "epochs": [{"epoch": 0, "from_ms": 10_000, "to_ms": 12_000, "first_id": 100,
                    "last_id": 102, "published": 6, "missing": 2}],
        "gap_counts": {"open": 0, "repaired": 0, "lost": 1},
        "gaps": [{"epoch": 0, "first_id": 103, "end_id": 105, "ids": 2, "since_ms": 11_100,
                  "until_ms": 11_200, "state": "lost", "reason": "the exchange has none"}],
        "stall_counts": {"open": 0, "quiet": 0, "resumed": 1, "zombie": 0, "unknown": 0},
        "stalls": [{"channel": "trades", "since_ms": 11_500, "until_ms": 11_900,
                    "end": "resumed"}],
        "candles": [{"timeframe": "1s", "candles": 2, "complete": 1, "incomplete": 1, "unknown": 0,
                     "filled": 0, "revised": 0, "contradicted": 0, "proven_until_ms": 12_000}],
        "doubts": [{"since_ms": 11_000, "until_ms": 12_000, "candles": 1, "complete": False}],
        "parity": [{"timeframe": "1s", "compared": 4, "equal": 3, "different": 1}],
        "mending": {"queued": 0, "mended": 1, "marked": 0},
    }  # fmt: skip


def test_the_last_day_is_told_where_no_range_is_asked_for(stored: Api) -> None:
    before_ms = time.time_ns() // 1_000_000
    answer = stored.client.get("/integrity/BTC-USDT").json()
    assert answer["to_ms"] - answer["from_ms"] == 86_400_000
    assert answer["to_ms"] >= before_ms


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"from": "yesterday"}, "'yesterday' is no time"),
        ({"from": "10m", "to": "20m"}, "before it ends"),
        ({"from": "40d"}, "31 days"),
        ({"from": "999999999999999"}, "not between 1970 and 9998"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_with_problem_details(
    stored: Api, asked: dict[str, str], part: str
) -> None:
    answer = stored.client.get("/integrity/BTC-USDT", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert part in answer.json()["detail"]


def test_without_a_store_it_is_said_and_asked_again_later(api: Api) -> None:
    answer = api.client.get("/integrity/BTC-USDT")
    assert (answer.status_code, answer.json()["title"]) == (503, "No store")


def test_a_market_nobody_follows_is_not_found(stored: Api) -> None:
    assert stored.client.get("/integrity/binance/XRP-USDT").status_code == 404
    assert stored.client.get("/integrity/XRP-USDT").status_code == 404


def test_the_schema_says_what_is_asked_and_answered(api: Api) -> None:
    schema = api.client.get("/openapi.json").json()
    route = schema["paths"]["/integrity/{venue}/{symbol}"]["get"]
    names = [each["name"] for each in route["parameters"]]
    assert names == ["venue", "symbol", "from", "to"]
    body = route["responses"]["200"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Integrity"}
    assert {"GapSeen", "StallSeen", "CandlesSeen"} <= set(schema["components"]["schemas"])
