"""What was can be read page by page: candles, and predictions with what came of them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketstream.messages import Candle, Outcome, Prediction
from marketstream.store.port import Store
from marketstream.store.sql import open_store
from prediction_api.routes import pages

from .conftest import Api

type Make[Made] = Callable[..., Made]

RANGE = "from=1970-01-01T00:00:10Z&to=1970-01-01T00:00:20Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def stored(
    make_api: Make[Api], store: Store, make_candle: Make[Candle],
    make_prediction: Make[Prediction], make_outcome: Make[Outcome],
) -> Api:  # fmt: skip
    """An API whose store has ten candles and predictions, the last of which is not judged."""
    closes_ms = range(10_000, 20_000, 1_000)
    store.write([make_candle(close_ms) for close_ms in closes_ms])
    store.write([make_candle(20_000, state="forming")])
    for horizon_ms in (1_000, 2_000):
        store.write([make_prediction(close_ms, horizon_ms) for close_ms in closes_ms])
        store.write([make_outcome(ms, horizon_ms=horizon_ms) for ms in closes_ms[:-1]])
    store.write([make_prediction(12_000, role="challenger")])
    return make_api(store=store)


def page(api: Api, url: str) -> dict[str, Any]:
    answer = api.client.get(url)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_candles_come_a_page_at_a_time_until_there_is_no_next(stored: Api) -> None:
    url: str | None = f"/candles/BTC-USDT?{RANGE}&limit=4"
    opens: list[list[int]] = []
    while url is not None:
        found = page(stored, url)
        opens.append([row["open_time_ms"] for row in found["rows"]])
        url = found["next"]
    assert [len(each) for each in opens] == [4, 4, 2]
    assert [ms for each in opens for ms in each] == list(range(10_000, 20_000, 1_000))


def test_a_candle_has_its_certificate_and_one_that_forms_is_left_out(stored: Api) -> None:
    found = page(stored, f"/candles/binance/BTC-USDT?{RANGE[:-3]}30Z")
    assert len(found["rows"]) == 10
    assert found["rows"][0]["complete"] is True
    assert (found["market"], found["timeframe"]) == ("binance:BTC/USDT", "1s")


def test_without_a_beginning_it_is_the_last_page(stored: Api) -> None:
    found = page(stored, "/candles/BTC-USDT?to=1970-01-01T00:00:18Z&limit=3")
    assert [row["open_time_ms"] for row in found["rows"]] == [15_000, 16_000, 17_000]
    assert found["next"] is None
    assert page(stored, "/candles/BTC-USDT")["rows"] == [], "nothing is of now"


@pytest.mark.parametrize("path", ["BTC-USDT", "binance/BTC-USDT", "BTC%2FUSDT"])
def test_predictions_come_with_what_came_of_them(stored: Api, path: str) -> None:
    rows = page(stored, f"/predictions/{path}/history?{RANGE}&horizon=1")["rows"]
    assert [row["close_time_ms"] for row in rows] == list(range(10_000, 20_000, 1_000))
    assert rows[0]["verdict"] in {"right", "wrong", "flat"}
    assert (rows[-1]["verdict"], rows[-1]["realised_mid"]) == (None, None)
    assert {row["horizon_ms"] for row in rows} == {1_000}
    both = page(stored, f"/predictions/{path}/history?{RANGE}")["rows"]
    assert len(both) == 20


def test_csv_has_a_header_and_says_where_the_next_page_is(stored: Api) -> None:
    answer = stored.client.get(f"/candles/BTC-USDT?{RANGE}&limit=6&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["open_time_ms"] for row in rows][-1] == "15000"
    assert rows[0]["close"] == "101.0"
    assert "from=1970-01-01T00%3A00%3A16.000Z" in answer.headers["link"]
    assert 'rel="next"' in answer.headers["link"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("candles/BTC-USDT?timeframe=3m", "timeframe 3m is not kept: 250ms, 1s are"),
        ("candles/BTC-USDT?limit=0", "limit"),
        ("candles/BTC-USDT?limit=5001", "limit"),
        ("candles/BTC-USDT?format=xml", "format"),
        ("candles/BTC-USDT?from=soon", "'soon' is no time"),
        ("candles/BTC-USDT?from=1m&to=2m", "is not before"),
        ("candles/BTC-USDT?since=1m", "no such parameter: since"),
        ("predictions/BTC-USDT/history?horizon=9", "horizon 9 is not predicted"),
    ],
)
def test_what_makes_no_sense_is_refused(stored: Api, query: str, detail: str) -> None:
    answer = stored.client.get(f"/{query}")
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_without_a_store_it_is_said(api: Api) -> None:
    answer = api.client.get("/candles/BTC-USDT")
    assert (answer.status_code, answer.json()["title"]) == (503, "No store")
    assert api.client.get("/candles/XRP-USDT").status_code == 404


@pytest.mark.parametrize(("form", "made_by"), [("csv", "as_csv"), ("json", "json_answer")])
def test_a_page_is_written_beside_the_event_loop(
    stored: Api, monkeypatch: pytest.MonkeyPatch, form: str, made_by: str
) -> None:
    make = getattr(pages, made_by)
    in_loop: list[bool] = []

    def made(*given: object, **more: object) -> object:
        in_loop.append(asyncio._get_running_loop() is not None)
        return make(*given, **more)

    monkeypatch.setattr(pages, made_by, made)
    assert stored.client.get(f"/candles/BTC-USDT?{RANGE}&format={form}").status_code == 200
    assert in_loop == [False]
