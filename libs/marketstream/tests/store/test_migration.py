"""What an older program has stored is there after the migration to this one's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, make_url, text

from marketstream.store.postgresql import open_postgresql
from marketstream.store.schema import alembic_config, upgrade
from marketstream.store.sql import open_store
from marketstream.store.sqlite import open_sqlite

MARKET = "binance:BTC/USDT"
CLOSES = 200
HORIZONS_MS = (1_000, 2_000, 5_000, 10_000)


def insert(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)


def candle(number: int) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), 100.0 + number)
    volumes = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    return {
        "market": MARKET, "timeframe": "1s",
        "open_time_ms": number * 1_000, "close_time_ms": (number + 1) * 1_000,
        **prices, **dict.fromkeys(volumes, 1.0), "trade_count": 3,
        "bid": 99.5 + number, "ask": 100.5 + number, "first_buy": 100.25, "state": "closed",
        "revision": 0, "complete": number % 2 == 0, "filled": False, "late_count": 0,
    }  # fmt: skip


def prediction(number: int, horizon_ms: int) -> dict[str, Any]:
    numbers = ("expected_return", "predicted_price", "p_up", "p_flat", "p_down", "low", "high")
    return {
        "market": MARKET, "timeframe": "1s", "close_time_ms": (number + 1) * 1_000,
        "horizon_ms": horizon_ms, "role": "champion", "model_name": "lightgbm",
        "model_version": "7", "label_latency_ms": 0, "values": json.dumps({"rsi_14": number}),
        "mid": 100.0 + number, "close": 100.0 + number, **dict.fromkeys(numbers, 0.25),
        "level": 0.8, "direction": "up", "answers": "{}",
        "made_at_ms": (number + 1) * 1_000 + 3, "latency_us": 412, "late": number == 5,
    }  # fmt: skip


@pytest.fixture
def stored(url: str) -> str:
    """The URL of a database of schema 0002 in which there is something of everything."""
    opens = open_sqlite if url.startswith("sqlite") else open_postgresql
    engine = opens(make_url(url))
    with engine.connect() as connection:
        upgrade(connection, "here", "or elsewhere")
        command.downgrade(alembic_config(connection), "0002")
        insert(connection, "candles", [candle(number) for number in range(CLOSES - 1)])
        insert(
            connection,
            "predictions",
            [prediction(number, h) for number in range(CLOSES) for h in HORIZONS_MS],
        )
        insert(
            connection,
            "outcomes",
            [
                {
                    "market": MARKET, "timeframe": "1s", "close_time_ms": 1_000,
                    "horizon_ms": 1_000, "role": "champion", "model_version": "7",
                    "realised_mid": 1.0, "realised_return": 0.0, "close_return": 0.0,
                    "verdict": "right", "close_verdict": "flat", "inside": True, "baselines": "{}",
                }
            ],
        )  # fmt: skip
        insert(
            connection,
            "models",
            [
                {
                    "market": MARKET, "timeframe": "1s", "horizon_ms": 1_000, "name": "lightgbm",
                    "version": "7", "trained_at_ms": 5, "rows": 300, "metrics": "{}",
                }
            ],
        )  # fmt: skip
        connection.commit()
    engine.dispose()
    return url


def test_vectors_are_kept_once_a_close_and_nothing_is_lost(stored: str) -> None:
    store = open_store(stored)
    try:
        assert store.counts() == {
            "candles": CLOSES - 1,
            "features": CLOSES,
            "predictions": CLOSES * len(HORIZONS_MS),
            "outcomes": 1,
            "move_forecasts": 0,
            "move_outcomes": 0,
            "models": 1,
            "gaps": 0,
            "stalls": 0,
            "audits": 0,
            "seals": 0,
            "outcome_seals": 0,
            "score_sums": 0,
            "dead_letters": 0,
        }
        features = store.features(MARKET, "1s", 0, 2**62)
        assert [one.values for one in features] == [{"rsi_14": number} for number in range(CLOSES)]
        assert (features[3].bid, features[3].ask, features[3].first_buy) == (102.5, 103.5, 100.25)
        assert [one.complete for one in features[:4]] == [True, False, True, False]
        assert (features[-1].bid, features[-1].complete) == (None, False)  # its candle is not there
        predictions = store.predictions(MARKET, "1s", 6_000, 7_000)
        assert [one.horizon_ms for one in predictions] == list(HORIZONS_MS)
        assert {(one.made_at_ms, one.latency_us, one.late) for one in predictions} == {
            (6_003, 412, True)
        }
        assert {one.feature_set for one in predictions} == {""}
        assert [one.late for one in store.outcomes(MARKET, "1s", 0, 2_000)] == [False]
        model = store.latest_model(MARKET, "1s", 1_000)
        assert model is not None
        assert model.rows == 300
    finally:
        store.close()


def test_a_way_back_has_the_vectors_in_the_predictions_again(stored: str) -> None:
    open_store(stored).close()
    opens = open_sqlite if stored.startswith("sqlite") else open_postgresql
    engine = opens(make_url(stored))
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "0002")
        found = connection.execute(
            text('SELECT "values" FROM predictions WHERE close_time_ms = 4000')
        ).scalars()
        assert [json.loads(values) for values in found] == [{"rsi_14": 3}] * len(HORIZONS_MS)
    engine.dispose()
