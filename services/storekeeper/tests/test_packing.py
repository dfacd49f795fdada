"""What is old enough is packed, an hour and the longest horizon behind the market's own time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketstream.fakes import FakePorts
from marketstream.messages import Candle, Features
from marketstream.plan import Plan
from marketstream.store.sql import SqlStore, open_store
from storekeeper.packing import Packing
from storekeeper.settings import RetentionSettings

MARKET = "binance:BTC/USDT"
STRETCH_MS = 600_000
START_MS = 1_790_000_400_000
PLAN = Plan((MARKET,), "1s", (1, 10))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/realtime.sqlite")
    yield opened
    opened.close()


def packed(store: SqlStore, tmp_path: Path, newest_ms: int, unpacked: str | None = "1h") -> int:
    times = (newest_ms - 1_000, newest_ms)
    store.write([Candle(MARKET, "1s", *times, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0)])
    ports = FakePorts(tmp_path, store)
    ports.now_ns = 2**62
    settings = RetentionSettings(unpacked=unpacked)
    return asyncio.run(Packing(settings, PLAN, ports).pack())


def test_stretches_are_packed_an_hour_and_the_longest_horizon_after_their_end(
    store: SqlStore, tmp_path: Path
) -> None:
    closes = range(START_MS, START_MS + 3 * STRETCH_MS, 60_000)
    written = [Features(MARKET, "1s", close, {"a": 1.0}, 1.0, 1.1, 1.0, "x") for close in closes]
    store.write(written)
    due_ms = START_MS + STRETCH_MS + 3_600_000 + 10_000
    assert packed(store, tmp_path, due_ms + 2 * STRETCH_MS, unpacked=None) == 0
    store.forget("candles", MARKET, "1s", 2**62)
    assert packed(store, tmp_path, due_ms - 1) == 0
    assert packed(store, tmp_path, due_ms) == 10
    assert packed(store, tmp_path, due_ms + 2 * STRETCH_MS) == 20
    assert store.features(MARKET, "1s", 0, 2**62) == written
