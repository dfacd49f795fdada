"""What a prediction was made of is told out of the store."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest

from marketstream.errors import StateError
from marketstream.explanation import Explanation, Terms
from marketstream.messages import Candle, Features, Model, Outcome, Prediction
from marketstream.store.port import Store
from marketstream.store.sql import open_store

from .conftest import MARKET, Api, served

type Make[Made] = Callable[..., Made]

SAID = {"lightgbm": [0.7, 0.75, "lightgbm:7"], "imbalance_sign": [0.5, 0.25, "imbalance_sign:7"]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def told(api: Api, path: str) -> tuple[int, dict[str, Any]]:
    answer = api.client.get(f"/predictions/binance/BTC-USDT/{path}/explain")
    return answer.status_code, answer.json()


def test_a_prediction_is_told_with_all_that_it_follows_from(
    make_api: Make[Api], store: Store, make_candle: Make[Candle],
    make_prediction: Make[Prediction], make_outcome: Make[Outcome],
) -> None:  # fmt: skip
    prediction = make_prediction(
        10_000, p_up=0.52, p_flat=0.2, p_down=0.28, candidates=SAID, feature_set="f1",
        made_at_ms=10_003, latency_us=900, label_latency_ms=250,
    )  # fmt: skip
    features = Features(MARKET, "1s", 10_000, {"imbalance": 0.25}, 100.5, 101.5, 101.0, "f1")
    models = [
        Model(MARKET, "1s", 1_000, "lightgbm", "7", 5_000, 300, {"lightgbm": 0.66}, since, why)
        for since, why in ((5_000, "trained anew"), (9_000, "rolled back"), (99_000, "again"))
    ]
    store.write([make_candle(9_000), features, prediction, make_outcome(10_000), *models])
    api = make_api(store=store)
    code, found = told(api, prediction.id)
    assert code == 200
    for written in ("BTC%2FUSDT", "btcusdt"):
        path = f"/predictions/binance/{written}/{prediction.id.replace('/', '%2F')}/explain"
        assert api.client.get(path).json() == found
    assert found["id"] == prediction.id == "binance:BTC/USDT:1s:10000:1000:champion:7"
    assert found["p_up"] == pytest.approx(0.65)
    weighed = sum(p * weight for p, weight, _ in found["prediction"]["candidates"].values())
    assert weighed == pytest.approx(found["p_up"])
    assert found["moments"] == {
        "closed_ms": 10_000, "made_at_ms": 10_003, "latency_us": 900, "starts_ms": 10_250,
        "ends_ms": 11_250,
    }  # fmt: skip
    assert (found["candle"]["close_time_ms"], found["candle"]["bid"]) == (10_000, 100.5)
    assert found["features"]["values"] == {"imbalance": 0.25}
    assert found["model"]["why"] == "rolled back", "who served then, not who serves now"
    assert found["outcome"]["verdict"] == "right"
    assert found["contributions"] is None
    assert set(found["missing"]) == {"contributions"}
    assert "runs without the models: `realtime explain`" in found["missing"]["contributions"]


def test_what_is_no_longer_stored_is_named_with_the_reason(
    make_api: Make[Api], store: Store, make_candle: Make[Candle], make_prediction: Make[Prediction]
) -> None:
    store.write([make_candle(50_000), make_prediction(10_000)])
    code, found = told(make_api(store=store), "binance:BTC/USDT:1s:10000:1000:champion:7")
    assert code == 200
    assert found["candle"] is found["features"] is found["model"] is found["outcome"] is None
    assert found["missing"]["candle"] == "it is no longer stored"
    assert set(found["missing"]) == {"candle", "features", "model", "outcome", "contributions"}
    assert found["missing"]["contributions"] == "the features are no longer stored"


def test_what_each_feature_added_is_told_where_models_are_at_hand_and_else_why_not(
    make_api: Make[Api], store: Store, make_candle: Make[Candle], make_prediction: Make[Prediction]
) -> None:
    prediction = make_prediction(10_000, candidates=SAID, feature_set="f1")
    features = Features(MARKET, "1s", 10_000, {"imbalance": 0.25}, 100.5, 101.5, 101.0, "f1")
    store.write([make_candle(9_000), features, prediction])
    asked: list[str] = []

    async def says(told: Explanation) -> dict[str, Terms]:
        asked.append(told.id)
        return {"lightgbm": Terms(0.5, 0.1, {"imbalance": 0.4}), "mine": Terms(0.2, 0.2, None)}

    async def fails(told: Explanation) -> dict[str, Terms]:
        raise StateError("http://me:s3cret@mlflow:5000 does not answer")

    code, found = told(make_api(store=store, take_apart=says), prediction.id)
    assert (code, asked) == (200, [prediction.id])
    assert found["contributions"] == {
        "lightgbm": {"log_odds": 0.5, "base": 0.1, "features": {"imbalance": 0.4}},
        "mine": {"log_odds": 0.2, "base": 0.2, "features": None},
    }
    assert "contributions" not in found["missing"]
    code, found = told(make_api(store=store, take_apart=fails), prediction.id)
    assert (code, found["contributions"]) == (200, None)
    assert found["missing"]["contributions"] == "http://me:***@mlflow:5000 does not answer"


def test_what_each_feature_added_is_asked_no_more_once_the_client_has_left_or_the_api_stops(
    make_api: Make[Api], store: Store, make_candle: Make[Candle],
    make_prediction: Make[Prediction], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    prediction = make_prediction(10_000, candidates=SAID, feature_set="f1")
    features = Features(MARKET, "1s", 10_000, {"imbalance": 0.25}, 100.5, 101.5, 101.0, "f1")
    store.write([make_candle(9_000), features, prediction])
    asked, given_up = Semaphore(0), Semaphore(0)

    async def long(told: Explanation) -> dict[str, Terms]:
        asked.release()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            given_up.release()
            raise
        return {}

    monkeypatch.setattr("prediction_api.http_server._PARTING_S", 0.2)
    path = f"/predictions/binance/BTC-USDT/{prediction.id}/explain"
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with served(make_api(store=store, take_apart=long)) as address:
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(head)
            assert asked.acquire(timeout=10)
        assert given_up.acquire(timeout=10), "it left"
        staying = socket.create_connection(address, timeout=10)
        staying.sendall(head)
        assert asked.acquire(timeout=10)
    assert given_up.acquire(timeout=10), "it stopped"
    staying.close()


def test_the_model_of_long_ago_and_of_a_late_announcement_is_found(
    make_api: Make[Api], store: Store, make_prediction: Make[Prediction]
) -> None:
    day_ms = 86_400_000
    store.write(
        [make_prediction(90 * day_ms), make_prediction(91 * day_ms, model_version="8")]
        + [
            Model(MARKET, "1s", 1_000, "lightgbm", version, 5_000, 300, {}, since_ms, why)
            for version, since_ms, why in (
                ("7", 2 * day_ms, "first"), ("7", 3 * day_ms, "again"), ("9", 90 * day_ms, "other"),
                ("8", 92 * day_ms, "late"), ("8", 93 * day_ms, "later"),
            )
        ]
    )  # fmt: skip
    api = make_api(store=store)
    found = [
        told(api, make_prediction(day * day_ms, model_version=version).id)[1]["model"]["why"]
        for day, version in ((90, "7"), (91, "8"))
    ]
    assert found == ["again", "late"]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("binance:BTC/USDT:1s:99000:1000:champion:7", "the store has no prediction"),
        ("binance:ETH/USDT:1s:10000:1000:champion:7", "the store has no prediction"),
        ("seven", "'seven' is no id of a prediction"),
        ("binance:BTC/USDT:soon:10000:1000:champion:7", "is no id of a prediction"),
    ],
)
def test_what_there_is_not_is_a_404(
    make_api: Make[Api], store: Store, make_candle: Make[Candle],
    make_prediction: Make[Prediction], path: str, part: str,
) -> None:  # fmt: skip
    other = make_prediction(10_000, market="binance:ETH/USDT")
    store.write([make_candle(50_000), make_prediction(10_000), other])
    code, found = told(make_api(store=store), path)
    assert code == 404
    assert part in found["detail"]
