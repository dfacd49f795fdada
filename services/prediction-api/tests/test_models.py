"""Which models served is told out of the store, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketstream.messages import Candle, Model, Outcome, Verdict
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

DAY = {"from": "1970-01-01T00:00Z", "to": "1970-01-02T00:00Z"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def stored(make_api: Callable[..., Api], store: Store, make_candle: Callable[..., Candle]) -> Api:
    store.write([make_candle(10_000)])
    return make_api(store=store)


def came(second: int, verdict: Verdict, version: str, *, late: bool = False) -> Outcome:
    return Outcome(
        MARKET, "1s", second * 1_000, 1_000, "champion", version, 1.0, 0.0, 0.0, verdict, verdict,
        inside=second % 4 > 0, baselines={}, late=late,
    )  # fmt: skip


def told(api: Api, **asked: str) -> list[dict[str, Any]]:
    answer = api.client.get("/models/binance/BTC-USDT", params={**DAY, **asked})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_each_version_tells_when_it_served_and_how_often_it_was_right(
    stored: Api, store: Store
) -> None:
    store.write(
        [
            Model(
                MARKET,
                "1s",
                1_000,
                "lightgbm",
                "7",
                5_000,
                300,
                {"lightgbm": 0.66},
                6_000,
                "by hand",
            )
        ]
    )
    verdicts: list[Verdict] = ["right", "right", "wrong", "flat", "abstained"]
    store.write([came(second, verdicts[second % 5], "7") for second in range(10, 60)])
    store.write([came(60, "wrong", "7", late=True), came(61, "right", "8")])
    newer, older = told(stored)
    assert (newer["version"], newer["name"], newer["trained_at_ms"]) == ("8", None, None)
    assert (newer["outcomes"], newer["accuracy"]) == (1, 1.0)
    low, high = older.pop("low"), older.pop("high")
    assert 0.4 < low < 2 / 3 < high < 0.9
    assert older.pop("effective") == 30
    assert older == {
        "market": MARKET, "timeframe": "1s", "horizon_ms": 1_000, "name": "lightgbm",
        "version": "7", "trained_at_ms": 5_000, "rows": 300, "validation": {"lightgbm": 0.66},
        "first_close_ms": 10_000, "last_close_ms": 59_000, "outcomes": 50, "abstained": 10,
        "moved": 30, "accuracy": 20 / 30, "coverage": 0.76,
        "terms": [{"since_ms": 6_000, "why": "by hand"}],
    }  # fmt: skip


def test_a_model_that_never_served_has_no_record(stored: Api, store: Store) -> None:
    store.write([Model(MARKET, "1s", 2_000, "logistic", "1", 5_000, 300, {})])
    (one,) = told(stored, horizon="2")
    assert (one["first_close_ms"], one["outcomes"], one["accuracy"], one["low"]) == (
        None, 0, None, None,
    )  # fmt: skip
    assert told(stored, horizon="1") == []


def test_a_model_of_before_the_range_is_told_where_it_served_in_it(
    stored: Api, store: Store
) -> None:
    store.write([Model(MARKET, "1s", 1_000, "logistic", version, at_ms, 300, {})
                 for version, at_ms in (("1", 1_000), ("2", 2_000), ("3", 700_000))])  # fmt: skip
    store.write([came(second, "right", "2") for second in range(590, 620)])
    found = told(stored, **{"from": "1970-01-01T00:10Z"})
    assert [(one["version"], one["outcomes"]) for one in found] == [("3", 0), ("2", 20)]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/models/binance/XRP-USDT", 404),
        ("/models/BTC-USDT?horizon=7s", 422),
        ("/models/BTC-USDT?from=yesterday", 422),
        ("/models/BTC-USDT?version=7", 422),
    ],
)
def test_what_makes_no_sense_is_refused(stored: Api, path: str, status: int) -> None:
    assert stored.client.get(path).status_code == status


def test_without_a_store_it_is_said(api: Api) -> None:
    assert api.client.get("/models/BTC-USDT").status_code == 503
