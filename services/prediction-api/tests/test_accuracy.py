"""How accuracy has changed with time is told out of the store, stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from marketstream.messages import Candle, Outcome, Verdict
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api

HOUR = {"from": "1970-01-01T00:00Z", "to": "1970-01-01T01:00Z"}
PATH = "/predictions/binance/BTC-USDT/accuracy"


def came(second: int, verdict: Verdict, version: str = "7", horizon_ms: int = 1_000) -> Outcome:
    return Outcome(
        MARKET, "1s", second * 1_000, horizon_ms, "champion", version, 1.0, 0.0, 0.0, verdict,
        verdict, inside=second % 4 > 0, baselines={},
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, make_candle: Callable[..., Candle]) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path}/realtime.sqlite")) as opened:
        opened.write([make_candle(10_000)])
        yield opened


@pytest.fixture
def api(make_api: Callable[..., Api], store: Store) -> Api:
    return make_api(store=store)


def told(api: Api, **asked: str) -> dict[str, Any]:
    answer = api.client.get(PATH, params={**HOUR, **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_each_stretch_tells_how_often_predictions_of_it_were_right(api: Api, store: Store) -> None:
    verdicts: list[Verdict] = ["right", "right", "wrong", "flat", "abstained"]
    store.write([came(second, verdicts[second % 5]) for second in range(60, 120)])
    store.write([came(second, "wrong", "8") for second in range(120, 130)])
    store.write([came(125, "right", "9")])
    found = told(api, every="1m")
    assert (found["market"], found["timeframe"], found["every_ms"]) == (MARKET, "1s", 60_000)
    first, second = found["stretches"]
    low, high, effective = (first.pop(name) for name in ("low", "high", "effective"))
    assert 0.4 < low < 2 / 3 < high < 0.9
    assert effective == 36
    assert first == {
        "horizon_ms": 1_000, "from_ms": 60_000, "to_ms": 120_000, "outcomes": 60,
        "abstained": 12, "flat": 12, "moved": 36, "accuracy": 2 / 3, "coverage": 0.75,
        "versions": ["7"],
    }  # fmt: skip
    assert (second["from_ms"], second["to_ms"]) == (120_000, 180_000)
    assert second["versions"] == ["8", "9"]
    assert (second["moved"], second["accuracy"]) == (11, 1 / 11)


def test_stretches_begin_at_multiples_and_are_cut_by_the_range(api: Api, store: Store) -> None:
    store.write([came(second, "right") for second in range(200)])
    asked = {"from": "1970-01-01T00:00:30Z", "to": "1970-01-01T00:02:10Z", "every": "60s"}
    found = told(api, **asked)["stretches"]
    assert [(each["from_ms"], each["to_ms"], each["outcomes"]) for each in found] == [
        (30_000, 60_000, 30), (60_000, 120_000, 60), (120_000, 130_000, 10),
    ]  # fmt: skip


def test_horizons_are_told_apart_and_asked_for(api: Api, store: Store) -> None:
    store.write([came(60, "right", horizon_ms=ms) for ms in (1_000, 2_000)])
    assert [each["horizon_ms"] for each in told(api)["stretches"]] == [1_000, 2_000]
    assert [each["horizon_ms"] for each in told(api, horizon="2s")["stretches"]] == [2_000]


def test_where_everybody_abstained_there_is_no_accuracy(api: Api, store: Store) -> None:
    store.write([came(60, "abstained")])
    (only,) = told(api)["stretches"]
    assert (only["accuracy"], only["low"], only["moved"], only["abstained"]) == (None, None, 0, 1)


@pytest.mark.parametrize(
    ("hours", "every_ms"), [("01", 300_000), ("12", 900_000), ("13", 3_600_000)]
)
def test_unless_it_is_said_there_are_no_more_than_48(api: Api, hours: str, every_ms: int) -> None:
    assert told(api, to=f"1970-01-01T{hours}:00Z")["every_ms"] == every_ms


@pytest.mark.parametrize("every", ["1s", "0", "soon"])
def test_stretches_that_make_no_sense_are_refused(api: Api, every: str) -> None:
    answer = api.client.get(PATH, params={**HOUR, "every": every})
    assert answer.status_code == 422
    assert every in answer.json()["detail"]
