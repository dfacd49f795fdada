"""What is older than it is kept goes, by the market's own time, and all else stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Features, Outcome, Prediction
from marketstream.store.sql import SqlStore, open_store
from storekeeper.retention import Retention
from storekeeper.settings import RetentionSettings, StorekeeperSettings

MARKET, OTHER = "binance:BTC/USDT", "binance:ETH/USDT"
DAY_MS = 86_400_000
END_MS = 20_000 * DAY_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def candle(close_ms: int, market: str = MARKET, timeframe: str = "1s") -> Candle:
    length_ms = {"1s": 1_000, "1m": 60_000}[timeframe]
    return Candle(
        market, timeframe, close_ms - length_ms, close_ms, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0
    )


def of_a_close(close_ms: int) -> list[Features | Prediction | Outcome]:
    return [
        Features(MARKET, "1s", close_ms, {"rsi_14": 50.0}, 1.0, 1.1, 1.0, "test"),
        Prediction(
            MARKET, "1s", close_ms, 1_000, "champion", "m", "1", 0, 1.0, 1.0, 0.0, 1.0, 0.4, 0.2,
            0.4, 0.9, 1.1, 0.8, "up", None, {}, feature_set="test",
        ),
        Outcome(
            MARKET, "1s", close_ms, 1_000, "champion", "1", 1.0, 0.0, 0.0, "right", "right",
            inside=True, baselines={},
        ),
    ]  # fmt: skip


def forgotten(store: SqlStore, tmp_path: Path, *, now_ms: int = END_MS, **kept: str | None) -> str:
    ports = FakePorts(tmp_path, store)
    ports.now_ns = now_ms * 1_000_000
    settings = RetentionSettings.model_validate(kept)
    asyncio.run(Retention(settings, ports).forget())
    return ports.metrics.render().decode()


def test_fine_candles_and_what_is_made_of_them_go_and_long_candles_stay(
    store: SqlStore, tmp_path: Path
) -> None:
    closes = [END_MS - days * DAY_MS + second for days in (400, 40, 31, 2, 0)
              for second in (0, 1_000)]  # fmt: skip
    store.write([candle(close) for close in closes[:-1]])
    store.write([candle(close, timeframe="1m") for close in closes[:-1]])
    for close in closes:
        store.write(of_a_close(close))
    said = forgotten(store, tmp_path, fine_candles="31d", features="31d")
    newest = END_MS
    assert [one.close_time_ms for one in store.candles(MARKET, "1s", 0, 2 * END_MS)] == [
        close for close in closes[:-1] if close - 1_000 >= newest - 31 * DAY_MS
    ]
    kept = [close for close in closes if close >= newest - 31 * DAY_MS]
    for read in (store.features, store.predictions, store.outcomes):
        assert [one.close_time_ms for one in read(MARKET, "1s", 0, 2 * END_MS)] == kept
    assert len(store.candles(MARKET, "1m", 0, 2 * END_MS)) == len(closes) - 1
    assert 'realtime_store_rows_deleted_total{table="predictions"} 4.0' in said


def test_each_market_is_as_old_as_its_own_newest_candle(store: SqlStore, tmp_path: Path) -> None:
    recorded_ms = END_MS - 1_000 * DAY_MS
    store.write([candle(recorded_ms), candle(recorded_ms - 6 * DAY_MS)])
    store.write([candle(END_MS, OTHER), candle(END_MS - 8 * DAY_MS, OTHER)])
    forgotten(store, tmp_path)
    assert len(store.candles(MARKET, "1s", 0, 2 * END_MS)) == 2
    assert len(store.candles(OTHER, "1s", 0, 2 * END_MS)) == 1


def test_what_is_dated_ahead_makes_nothing_older_than_it_is(
    store: SqlStore, tmp_path: Path
) -> None:
    store.write([candle(END_MS - 6 * DAY_MS), candle(END_MS + 300 * DAY_MS)])
    forgotten(store, tmp_path)
    assert len(store.candles(MARKET, "1s", 0, 2 * END_MS)) == 2


def test_null_keeps_for_ever_and_a_length_of_time_bounds(store: SqlStore, tmp_path: Path) -> None:
    old_ms = END_MS - 200 * DAY_MS
    store.write([candle(END_MS), candle(old_ms), candle(old_ms, timeframe="1m")])
    store.write(of_a_close(old_ms))
    forgotten(
        store, tmp_path, fine_candles=None, features=None, predictions=None, outcomes=None,
        candles="100d",
    )  # fmt: skip
    assert store.counts()["candles"] == 2
    assert store.candles(MARKET, "1m", 0, 2 * END_MS) == []
    assert {store.counts()[name] for name in ("features", "predictions", "outcomes")} == {1}


def test_an_open_candle_and_a_store_without_any_are_left(store: SqlStore, tmp_path: Path) -> None:
    forgotten(store, tmp_path)
    store.write([replace(candle(END_MS), state="forming")])
    forgotten(store, tmp_path)
    assert store.counts()["candles"] == 1


@pytest.mark.parametrize(
    ("given", "part"),
    [("12h", "shorter than 1d"), ("soon", "not a duration"), ("999d", "longer than a year")],
)
def test_a_length_of_time_that_makes_no_sense_is_refused(given: str, part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        StorekeeperSettings.model_validate({"retention": {"features": given}})
