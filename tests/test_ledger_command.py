"""`realtime ledger verify`: what was changed after it was predicted is told, on either store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Outcome, Prediction
from marketstream.sealing import SEALED_MS
from marketstream.store.sql import open_store
from marketstream.store.testing import PostgresServer, postgres_server
from storekeeper.sealer import Sealer

MARKET = "binance:BTC/USDT"
FROM_MS = 1_723_161_600_000
END_MS = FROM_MS + 4 * SEALED_MS


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


def prediction(close_ms: int) -> Prediction:
    return Prediction(
        MARKET, "1s", close_ms, 1_000, "champion", "average", "7", 0, 100.0, 100.1, 1e-5, 100.001,
        0.1 + 0.2, 0.2, 0.5, 99.0, 101.0, 0.8, "down", None, {"majority": "up"},
    )  # fmt: skip


def outcome(close_ms: int) -> Outcome:
    return Outcome(
        MARKET, "1s", close_ms, 1_000, "champion", "7", 100.1, 0.1 + 0.2, 0.001, "right", "wrong",
        True, {"majority": "flat"},
    )  # fmt: skip


def fill(url: str, folder: Path) -> None:
    """Store and seal predictions and outcomes of forty minutes, but for the last ten."""
    with contextlib.closing(open_store(url)) as store:
        candle = Candle(
            MARKET, "1s", END_MS - 1_000, END_MS, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0
        )
        closes = range(FROM_MS, END_MS, 10_000)
        store.write([candle, *map(prediction, closes), *map(outcome, closes)])
        sealer = Sealer([MARKET], "1s", (1_000,), FakePorts(folder, store))
        assert asyncio.run(sealer.seal()) == 6


def change(url: str, what: str = "predictions SET p_up = 0.9") -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        statement = f"UPDATE {what} WHERE close_time_ms = {FROM_MS + 700_000}"
        assert connection.execute(text(statement)).rowcount == 1
    engine.dispose()


def verify(state: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "realtime_training", "ledger", "verify", *arguments,
         "--from", "2024-08-09", "--to", "2024-08-10", "--state", str(state)],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **settings},
    )  # fmt: skip


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found = list(json.loads(done.stdout)["verified"])
    assert [one["of"] for one in found] == ["predictions", "outcomes"]
    return found


def test_what_is_as_it_was_is_verified_and_what_was_changed_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/realtime.sqlite"
    fill(url, tmp_path)
    done = verify(tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{MARKET} 1s: 3 seals; 180 predictions as they were sealed" in done.stdout
    assert f"{MARKET} 1s: 3 seals; 180 outcomes as they were sealed" in done.stdout
    for one in told(verify(tmp_path, "--json")):
        assert f"head {one['head']}" in done.stdout
        assert verify(tmp_path, "--head", one["head"]).returncode == 0
    unknown = verify(tmp_path, "--head", "0" * 64)
    assert unknown.returncode == 1
    assert "the chain was made anew, or cut off" in unknown.stderr
    change(url)
    done = verify(tmp_path, "--json")
    assert done.returncode == 1
    predictions, outcomes = told(done)
    assert outcomes["faults"] == []
    assert predictions["faults"] == [
        "2024-08-09T00:10:00.000Z: 60 predictions were sealed, and 60 are stored, not as they were"
    ]
    assert "1 faults: what is stored is not what it was" in done.stderr


def test_an_outcome_that_was_changed_is_told(tmp_path: Path) -> None:
    fill(url := f"sqlite:///{tmp_path}/realtime.sqlite", tmp_path)
    change(url, "outcomes SET verdict = 'wrong'")
    done = verify(tmp_path, "--json")
    assert done.returncode == 1
    predictions, outcomes = told(done)
    assert predictions["faults"] == []
    assert outcomes["faults"] == [
        "2024-08-09T00:10:00.000Z: 60 outcomes were sealed, and 60 are stored, not as they were"
    ]


def test_of_postgresql_it_says_what_it_says_of_sqlite(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    database = postgres.new_database()
    urls = f"sqlite:///{tmp_path}/realtime.sqlite", postgres.url(database)
    server = {
        "POSTGRES_HOST": str(postgres.socket_folder), "POSTGRES_DB": database,
        "POSTGRES_USER": "postgres",
    }  # fmt: skip
    for url in urls:
        fill(url, tmp_path)
    assert told(verify(tmp_path, "--json")) == told(verify(tmp_path, "--json", **server))
    change(urls[1], "outcomes SET inside = false")
    assert verify(tmp_path, **server).returncode == 1
    assert verify(tmp_path).returncode == 0
